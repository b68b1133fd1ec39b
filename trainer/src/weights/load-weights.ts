import * as tf from '@tensorflow/tfjs';
import { TrainerError } from '../errors.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';

/**
 * Sets every weight of some layers from tensors named `layer/weight`, as Keras names them.
 *
 * @throws TrainerError `weights_invalid` naming the first tensor that is missing, extra or of
 *   another shape, in which case no layer is changed
 */
export function loadWeights(
  layers: readonly tf.layers.Layer[],
  tensors: ReadonlyMap<string, NamedTensor>,
): void {
  const unused = new Set(tensors.keys());
  const values = layers.map((layer) =>
    layer.weights.map(({ originalName: name, shape }) => {
      const tensor = tensors.get(name);
      if (!tensor) {
        throw new TrainerError(
          'weights_invalid',
          `The weights lack the tensor ${name}: they belong to another network.`,
        );
      }
      if (tensor.shape.join() !== shape.join()) {
        throw new TrainerError(
          'weights_invalid',
          `Expected the tensor ${name} with shape [${shape}], but the weights have [${tensor.shape}]: they belong to another network.`,
        );
      }
      unused.delete(name);
      return tensor;
    }),
  );
  const [extra] = unused;
  if (extra !== undefined) {
    throw new TrainerError(
      'weights_invalid',
      `The weights have a tensor ${extra} that the network lacks: they belong to another network.`,
    );
  }
  layers.forEach((layer, index) => {
    tf.tidy(() => {
      layer.setWeights(
        (values[index] ?? []).map(({ shape, values }) => tf.tensor(values, [...shape], 'float32')),
      );
    });
  });
}
