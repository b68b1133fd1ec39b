import * as tf from '@tensorflow/tfjs';

/** Keeps a channel that is almost the same everywhere from being blown up. */
const LEAST_VARIANCE = 0.1;

/**
 * Sets each BatchNorm's averages to those of what it reads. BatchNorm is frozen in training, and
 * with random weights in front of it nothing else keeps the signal from fading or exploding.
 *
 * @param photoBatch `[n, size, size, 3]`, preprocessed as the spec says, kept
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
      // The preprocess spec has done what these do.
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
