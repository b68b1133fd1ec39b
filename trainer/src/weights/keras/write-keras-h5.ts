import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { toNamedTensor } from '../../plan/named-tensor.ts';
import { keras3Groups } from './keras-h5.ts';

/**
 * Writes a network's weights as Keras 3 does: `load_weights` of the same network in Keras takes
 * them, and so does `--weights`.
 *
 * @param path must end in `.weights.h5`, since Keras refuses other names
 * @throws TrainerError `disk_full`
 * @see https://github.com/keras-team/keras/blob/master/keras/src/saving/saving_lib.py
 */
export async function writeKerasH5(path: string, model: tf.LayersModel): Promise<void> {
  const { ready, File } = await import('h5wasm/node');
  await ready;
  // The HDF5 library can only write files.
  const folder = await mkdtemp(join(tmpdir(), 'graft-weights-'));
  try {
    const temporary = join(folder, 'model.weights.h5');
    const file = new File(temporary, 'w');
    try {
      file.create_group('layers');
      for (const [group, layer] of keras3Groups(model.layers)) {
        file.create_group(`layers/${group}`);
        file.create_group(`layers/${group}/vars`);
        for (const [index, weight] of layer.weights.entries()) {
          const { shape, values } = await toNamedTensor(weight.read());
          file.create_dataset({
            name: `layers/${group}/vars/${index}`,
            data: values,
            shape: [...shape],
            dtype: '<f4',
          });
        }
      }
    } finally {
      file.close();
    }
    await writeFileAtomically(path, await readFile(temporary));
  } finally {
    await rm(folder, { recursive: true });
  }
}
