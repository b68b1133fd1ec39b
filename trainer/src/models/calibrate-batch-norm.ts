import * as tf from '@tensorflow/tfjs';

/** Prevents the amplification of channels that are almost constant. */
const LEAST_VARIANCE = 0.1;

/**
 * Sets the statistics of each BatchNorm to those of its inputs. BatchNorm is frozen in training, and
 * after random weights nothing else keeps activations from vanishing or exploding.
 *
 * @param photoBatch preprocessed images, `[n, size, size, 3]`; not disposed of
 * @returns the model's output, in inference mode; the caller disposes of it
 */
export function calibrateBatchNorm(model: tf.LayersModel, photoBatch: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const outputs = new Map<string, tf.Tensor>();
    for (const layer of model.layers) {
      const { name } = layer.output as tf.SymbolicTensor;
      const inputs = inputsOf(layer).map((input) => outputs.get(input) as tf.Tensor);
      const [first = photoBatch] = inputs;
      if (layer.getClassName() === 'BatchNormalization') {
        const [gamma, beta] = layer.getWeights() as [tf.Tensor, tf.Tensor];
        const { mean, variance } = tf.moments(first, [0, 1, 2]);
        layer.setWeights([gamma, beta, mean, variance.add(LEAST_VARIANCE)]);
      }
      // The images are preprocessed already.
      const isScaled = ['InputLayer', 'Rescaling', 'Normalization'].includes(layer.getClassName());
      const output = isScaled
        ? first
        : layer.apply(inputs.length === 1 ? first : inputs, { training: false });
      outputs.set(name, output as tf.Tensor);
    }
    return (outputs.get((model.outputs[0] as tf.SymbolicTensor).name) as tf.Tensor).clone();
  });
}

function inputsOf(layer: tf.layers.Layer): string[] {
  if (layer.getClassName() === 'InputLayer') return [];
  return [layer.input].flat().map(({ name }) => name);
}
