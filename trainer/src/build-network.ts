import { backbones } from './backbones/registry.ts';
import type { TrainConfig } from './config/train-config.ts';
import { fusePlan } from './plan/fuse.ts';
import type { Plan } from './plan/plan.ts';
import { attachHead } from './stages/head.ts';
import { loadWeights } from './weights/load-weights.ts';
import { readSafetensors } from './weights/safetensors.ts';

/**
 * A pretrained backbone with a new head.
 *
 * @returns its plan, `[n, size, size, 3]` preprocessed to `[n, classes]`, and how many weights it
 *   has, BatchNorm's included
 */
export async function buildNetwork(
  { backbone: name, size, dropout, seed }: TrainConfig,
  classes: number,
): Promise<{ plan: Plan; parameters: number }> {
  const backbone = backbones[name];
  const trunk = backbone.build(size);
  const { tensors } = await readSafetensors(backbone.weights);
  // The pretraining's own classes give way to the new head.
  const trunkTensors = [...tensors].filter(([name]) => !name.startsWith('predictions/'));
  loadWeights(trunk.layers, new Map(trunkTensors));
  const network = attachHead(trunk, classes, dropout, seed);
  const plan = fusePlan(network);
  const parameters = network.countParams();
  network.dispose();
  return { plan, parameters };
}
