import * as tf from '@tensorflow/tfjs';
import { backbones, buildBackbone } from '../backbones/registry.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import { fusePlan } from '../plan/fuse.ts';
import { normalizeStep } from '../plan/normalize-step.ts';
import type { Plan } from '../plan/plan.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';
import { calibrateBatchNorm } from './calibrate-batch-norm.ts';
import { freezeLayers, trimModel } from './edit-model.ts';
import { attachHead, HEAD_CONVOLUTION } from './head.ts';

/**
 * A pretrained backbone with a new head.
 *
 * @param photos a batch from the training set, `[n, size, size, 3]` preprocessed: BatchNorm of
 *   random weights, and of the head, is set by it
 * @returns its plan, `[n, size, size, 3]` preprocessed to `[n, classes]`, and how many weights it
 *   has, BatchNorm's included
 * @throws TrainerError `config_invalid` for images too small or a layer that there is not,
 *   `weights_invalid`
 */
export async function buildNetwork(
  config: TrainConfig,
  classes: number,
  photos?: () => Promise<tf.Tensor>,
): Promise<{ plan: Plan; parameters: number }> {
  const { network, dispose } = await buildLayers(config, classes);
  if (config.weights === 'none' && photos) {
    const photoBatch = await photos();
    tf.dispose([calibrateBatchNorm(network, photoBatch), photoBatch]);
  }
  const plan = fusePlan(network);
  const parameters = network.countParams();
  dispose();
  if (config.head === 'linear' || !photos) return { plan, parameters };
  const photoBatch = await photos();
  const normalized = normalizeStep(plan, HEAD_CONVOLUTION, photoBatch);
  photoBatch.dispose();
  return { plan: normalized, parameters };
}

/**
 * The same as a tf.layers model, its BatchNorm as the weights have it.
 *
 * @throws TrainerError as {@link buildNetwork}
 */
export async function buildLayers(
  config: TrainConfig,
  classes: number,
): Promise<{ network: tf.LayersModel; dispose(): void }> {
  const { backbone, weights, trim, freeze, size, stage2 } = config;
  const { minimumSize, title } = backbones[backbone];
  const smallest = Math.min(size, ...stage2.sizes);
  if (smallest < minimumSize) {
    throw new TrainerError(
      'config_invalid',
      `Expected images of at least ${minimumSize} px for ${title}, but the size is ${smallest}.`,
    );
  }
  const whole = buildBackbone(backbone, {
    size,
    includeTop: false,
    initialize: weights === 'none',
  });
  if (weights !== 'none') await loadBackboneWeights(whole, backbone, weights, false);
  const trunk = trim === null ? whole : trimModel(whole, trim);
  freezeLayers(trunk, freeze);
  const network = attachHead(trunk, classes, config);
  const trimmed = whole.layers.filter((layer) => !network.layers.includes(layer));
  return {
    network,
    dispose() {
      network.dispose();
      for (const layer of trimmed) layer.dispose();
    },
  };
}
