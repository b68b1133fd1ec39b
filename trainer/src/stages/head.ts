import * as tf from '@tensorflow/tfjs';

/** The last layer of the trunk: what it puts out, the head takes in, `[n, channels]`. */
export const FEATURES = 'avg_pool';

/**
 * Grows a head on a backbone: global average pooling, dropout, one dense layer.
 *
 * @param dropout fraction of the features dropped in training
 * @param seed of the dense layer's kernel
 * @returns one flat model, `[n, size, size, 3]` to probabilities `[n, classes]`
 */
export function attachHead(
  backbone: tf.LayersModel,
  classes: number,
  dropout: number,
  seed: number,
): tf.LayersModel {
  const layers = [
    tf.layers.globalAveragePooling2d({ name: FEATURES }),
    tf.layers.dropout({ name: 'top_dropout', rate: dropout }),
    tf.layers.dense({
      name: 'predictions',
      units: classes,
      activation: 'softmax',
      kernelInitializer: tf.initializers.glorotUniform({ seed }),
    }),
  ];
  const output = layers.reduce(
    (x, layer) => layer.apply(x) as tf.SymbolicTensor,
    backbone.outputs[0] as tf.SymbolicTensor,
  );
  return tf.model({ inputs: backbone.inputs, outputs: output });
}
