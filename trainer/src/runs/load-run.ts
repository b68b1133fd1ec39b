import * as tf from '@tensorflow/tfjs';
import type { TrainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import { buildLayers } from '../models/build-network.ts';
import { checkpointIn, loadCheckpoint } from './checkpoint.ts';

/**
 * Loads the network of a run as a tf.layers model, with its best weights so far, BatchNorm as the
 * pretraining left it.
 *
 * @throws TrainerError `checkpoint_invalid`, `config_invalid` where BatchNorm is not the
 *   pretraining's, `run_invalid` where no epoch is over
 */
export async function loadRun(
  directory: string,
): Promise<{ network: tf.LayersModel; config: TrainConfig; dispose(): void }> {
  const { header, tensors } = await loadCheckpoint(checkpointIn(directory));
  const { config } = header;
  if (config.weights === 'none' || config.head !== 'linear') {
    throw new TrainerError(
      'config_invalid',
      'Expected a run with the linear head on pretrained weights: the BatchNorm of others comes from their images, and no checkpoint has it.',
    );
  }
  if (header.stage < 3 && header.best === null) {
    throw new TrainerError(
      'run_invalid',
      `Expected a run with a whole epoch behind it at ${directory}; go on with it first: train --resume ${directory}.`,
    );
  }
  const classes = tensors.get('parameters/predictions/bias')?.shape[0] ?? 0;
  const { network, dispose } = await buildLayers(config, classes);
  for (const layer of network.layers) {
    tf.tidy(() =>
      layer.setWeights(
        layer.weights.map((weight) => {
          const name = weight.originalName;
          // A stage that is not over has its best epoch beside the weights of this moment.
          const trained = tensors.get(`best/${name}`) ?? tensors.get(`parameters/${name}`);
          return trained ? tf.tensor(trained.values, [...trained.shape]) : weight.read();
        }),
      ),
    );
  }
  return { network, config, dispose };
}
