import * as tf from '@tensorflow/tfjs';
import type { TrainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import { buildLayers } from '../models/build-network.ts';
import { checkpointIn, loadCheckpoint } from './checkpoint.ts';

/**
 * Loads the network of a run as a tf.layers model, with its best weights so far and the BatchNorm of the
 * pretrained weights.
 *
 * @throws TrainerError `checkpoint_invalid`, `config_invalid` where BatchNorm is not from pretrained
 *   weights, `run_invalid` where no epoch is complete
 */
export async function loadRun(directory: string): Promise<{
  network: tf.LayersModel;
  config: TrainConfig;
  /** What says which labels an image has, where it may have several. */
  labels: string | undefined;
  dispose(): void;
}> {
  const { header, tensors } = await loadCheckpoint(checkpointIn(directory));
  const { config, labels } = header;
  if (config.weights === 'none' || config.head !== 'linear') {
    throw new TrainerError(
      'config_invalid',
      'Expected a run with the linear head on pretrained weights: in other runs, BatchNorm is set from the training images, which no checkpoint contains.',
    );
  }
  if (header.stage < 3 && header.best === null) {
    throw new TrainerError(
      'run_invalid',
      `Expected a run with at least one complete epoch at ${directory}; resume it first: train --resume ${directory}.`,
    );
  }
  const classes = tensors.get('parameters/predictions/bias')?.shape[0] ?? 0;
  const { network, dispose } = await buildLayers(config, classes, labels !== undefined);
  for (const layer of network.layers) {
    tf.tidy(() =>
      layer.setWeights(
        layer.weights.map((weight) => {
          const name = weight.originalName;
          // During a stage, the checkpoint has the best epoch's weights in addition to the latest ones.
          const trained = tensors.get(`best/${name}`) ?? tensors.get(`parameters/${name}`);
          return trained ? tf.tensor(trained.values, [...trained.shape]) : weight.read();
        }),
      ),
    );
  }
  return { network, config, labels, dispose };
}
