import * as tf from '@tensorflow/tfjs';

/** The network of parity/round_trip.py, with zeros for weights. */
export function buildRoundTripNetwork({
  includeTop = true,
  units = 3,
  extra = false,
  separable = 5,
  last = 'conv2d_1',
} = {}) {
  const zeros = { kernelInitializer: 'zeros' } as const;
  const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
    layer.apply(x) as tf.SymbolicTensor;
  const conv = (name: string, filters: number, kernelSize: number, useBias: boolean) =>
    tf.layers.conv2d({ name, filters, kernelSize, padding: 'same', useBias, ...zeros });
  const image = tf.input({ shape: [6, 6, 3] });
  let x = apply(conv('stem_conv', 4, 3, false), image);
  x = apply(tf.layers.batchNormalization({ name: 'stem_bn' }), x);
  x = apply(tf.layers.activation({ activation: 'relu', name: 'stem_relu' }), x);
  const depthwise = { name: 'depthwise_conv2d', kernelSize: 3, padding: 'same' } as const;
  let y = apply(tf.layers.depthwiseConv2d({ ...depthwise, depthwiseInitializer: 'zeros' }), x);
  y = apply(conv('conv2d', 4, 1, true), y);
  y = apply(tf.layers.batchNormalization({ name: 'batch_normalization' }), y);
  x = apply(tf.layers.add(), [x, y]);
  x = apply(
    tf.layers.separableConv2d({
      ...{ name: 'separable_conv2d', filters: separable, kernelSize: 3, padding: 'same' },
      useBias: false,
      depthwiseInitializer: 'zeros',
    }),
    x,
  );
  x = apply(conv(last, 4, 1, true), x);
  if (extra) x = apply(conv('conv2d_2', 4, 1, false), x);
  if (includeTop) {
    x = apply(tf.layers.globalAveragePooling2d({}), x);
    x = apply(tf.layers.dense({ name: 'predictions', units, activation: 'softmax', ...zeros }), x);
  }
  return tf.model({ inputs: image, outputs: x });
}
