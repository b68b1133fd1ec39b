import { buildBackbone } from '../backbones/registry.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import { loadRun } from '../runs/load-run.ts';
import { writeKerasH5 } from '../weights/keras/write-keras-h5.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';

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
 * Writes the network of a run as weights for Keras, with the BatchNorm of the pretrained weights.
 *
 * @param path ends in `.weights.h5`
 * @throws TrainerError `checkpoint_invalid`, `config_invalid` where BatchNorm is not from
 *   pretrained weights, `disk_full`
 */
export async function exportRunKeras(path: string, run: string): Promise<void> {
  const { network, dispose } = await loadRun(run);
  await writeKerasH5(path, network);
  dispose();
}
