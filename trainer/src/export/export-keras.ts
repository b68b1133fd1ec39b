import * as tf from '@tensorflow/tfjs';
import { type BackboneName, buildBackbone } from '../backbones/registry.ts';
import { buildLayers } from '../build-network.ts';
import { TrainerError } from '../errors.ts';
import { checkpointIn, loadCheckpoint } from '../stages/checkpoint.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';
import { writeKerasH5 } from '../weights/write-keras-h5.ts';

/**
 * Writes a pretrained network, with its 1,000 classes, as weights for Keras.
 *
 * @param path ends in `.weights.h5`
 * @throws TrainerError `weights_invalid`, `disk_full`
 */
export async function exportPretrainedKeras(
  path: string,
  name: BackboneName,
  weights: string,
): Promise<void> {
  const network = buildBackbone(name, { initialize: false });
  await loadBackboneWeights(network, name, weights, true);
  await writeKerasH5(path, network);
  network.dispose();
}

/**
 * Writes the network of a run as weights for Keras, BatchNorm as the pretraining left it.
 *
 * @param path ends in `.weights.h5`
 * @throws TrainerError `checkpoint_invalid`, `config_invalid` where BatchNorm is not the
 *   pretraining's, `disk_full`
 */
export async function exportRunKeras(path: string, run: string): Promise<void> {
  const { header, tensors } = await loadCheckpoint(checkpointIn(run));
  const { config } = header;
  if (config.weights === 'none' || config.head !== 'linear') {
    throw new TrainerError(
      'config_invalid',
      'Expected a run with the linear head on pretrained weights: the BatchNorm of others comes from their pictures, and no checkpoint has it.',
    );
  }
  const classes = tensors.get('parameters/predictions/bias')?.shape[0] ?? 0;
  const { network, dispose } = await buildLayers(config, classes);
  for (const layer of network.layers) {
    tf.tidy(() =>
      layer.setWeights(
        layer.weights.map((weight) => {
          const trained = tensors.get(`parameters/${weight.originalName}`);
          return trained ? tf.tensor(trained.values, [...trained.shape]) : weight.read();
        }),
      ),
    );
  }
  await writeKerasH5(path, network);
  dispose();
}
