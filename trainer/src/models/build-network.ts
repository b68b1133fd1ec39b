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
 * Builds a pretrained backbone with a new head.
 *
 * @param sample returns a preprocessed batch of training images, `[n, size, size, 3]`, to set the BatchNorm
 *   statistics of random weights and of the head
 * @param multiLabel whether an image may have several labels
 * @returns the network's plan, from preprocessed `[n, size, size, 3]` to `[n, classes]`, and its number of
 *   weights including BatchNorm
 * @throws TrainerError `config_invalid` for images that are too small or a layer that does not exist,
 *   `weights_invalid`
 */
export async function buildNetwork(
  config: TrainConfig,
  classes: number,
  sample?: () => Promise<tf.Tensor>,
  multiLabel = false,
): Promise<{ plan: Plan; parameters: number }> {
  const { network, dispose } = await buildLayers(config, classes, multiLabel);
  if (config.weights === 'none' && sample) {
    const photoBatch = await sample();
    tf.dispose([calibrateBatchNorm(network, photoBatch), photoBatch]);
  }
  const plan = fusePlan(network);
  const parameters = network.countParams();
  dispose();
  if (config.head === 'linear' || !sample) return { plan, parameters };
  const photoBatch = await sample();
  const normalized = normalizeStep(plan, HEAD_CONVOLUTION, photoBatch);
  photoBatch.dispose();
  return { plan: normalized, parameters };
}

/**
 * Builds the same network as a tf.layers model, with the BatchNorm statistics of the weights.
 *
 * @throws TrainerError as {@link buildNetwork}
 */
export async function buildLayers(
  config: TrainConfig,
  classes: number,
  multiLabel = false,
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
  const network = attachHead(trunk, classes, config, multiLabel);
  const trimmed = whole.layers.filter((layer) => !network.layers.includes(layer));
  return {
    network,
    dispose() {
      network.dispose();
      for (const layer of trimmed) layer.dispose();
    },
  };
}
