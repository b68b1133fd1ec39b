import * as tf from '@tensorflow/tfjs';

/** One row of EfficientNet's Table 1 (Tan & Le 2019). */
interface Stage {
  readonly repeats: number;
  readonly kernelSize: number;
  readonly strides: number;
  readonly expansion: number;
  readonly filters: number;
}

const STAGES: readonly Stage[] = [
  { repeats: 1, kernelSize: 3, strides: 1, expansion: 1, filters: 16 },
  { repeats: 2, kernelSize: 3, strides: 2, expansion: 6, filters: 24 },
  { repeats: 2, kernelSize: 5, strides: 2, expansion: 6, filters: 40 },
  { repeats: 3, kernelSize: 3, strides: 2, expansion: 6, filters: 80 },
  { repeats: 3, kernelSize: 5, strides: 1, expansion: 6, filters: 112 },
  { repeats: 4, kernelSize: 5, strides: 2, expansion: 6, filters: 192 },
  { repeats: 1, kernelSize: 3, strides: 1, expansion: 6, filters: 320 },
];

/**
 * EfficientNet-Lite0 without its top: EfficientNet-B0 without squeeze-and-excitation, with ReLU6
 * for swish. Layer names are those that Keras gives EfficientNet-B0.
 *
 * @param size side of the input, `[n, size, size, 3]` float32, `(pixel − 127) / 128`
 * @returns a model with output `[n, ⌈size / 32⌉, ⌈size / 32⌉, 1280]`, weights random
 * @see https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
 */
export function buildEfficientNetLite0(size: number): tf.LayersModel {
  const input = tf.input({ shape: [size, size, 3], name: 'input' });
  let x = convolution(input, 'stem_conv', 'stem', 32, 3, 2);
  let filters = 32;
  STAGES.forEach((stage, index) => {
    for (let repeat = 0; repeat < stage.repeats; repeat++) {
      const name = `block${index + 1}${String.fromCharCode(97 + repeat)}`;
      x = block(x, name, filters, stage, repeat === 0 ? stage.strides : 1);
      filters = stage.filters;
    }
  });
  x = convolution(x, 'top_conv', 'top', 1280, 1, 1);
  return tf.model({ inputs: input, outputs: x, name: 'efficientnet-lite0' });
}

/** An inverted residual (Sandler et al. 2018, Figure 4): expand, filter each channel, project. */
function block(
  input: tf.SymbolicTensor,
  name: string,
  filters: number,
  stage: Stage,
  strides: number,
): tf.SymbolicTensor {
  let x = input;
  if (stage.expansion !== 1) {
    x = convolution(x, `${name}_expand_conv`, `${name}_expand`, filters * stage.expansion, 1, 1);
  }
  const depthwise = tf.layers.depthwiseConv2d({
    name: `${name}_dwconv`,
    kernelSize: stage.kernelSize,
    strides,
    padding: 'same',
    useBias: false,
    depthwiseInitializer: 'heNormal',
  });
  x = activation(batchNorm(depthwise.apply(x) as tf.SymbolicTensor, name), name);
  x = conv2d(x, `${name}_project_conv`, stage.filters, 1, 1);
  x = batchNorm(x, `${name}_project`);
  if (strides !== 1 || filters !== stage.filters) return x;
  return tf.layers.add({ name: `${name}_add` }).apply([x, input]) as tf.SymbolicTensor;
}

function convolution(
  x: tf.SymbolicTensor,
  name: string,
  prefix: string,
  filters: number,
  kernelSize: number,
  strides: number,
): tf.SymbolicTensor {
  return activation(batchNorm(conv2d(x, name, filters, kernelSize, strides), prefix), prefix);
}

function conv2d(
  x: tf.SymbolicTensor,
  name: string,
  filters: number,
  kernelSize: number,
  strides: number,
): tf.SymbolicTensor {
  return tf.layers
    .conv2d({
      name,
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer: 'heNormal',
    })
    .apply(x) as tf.SymbolicTensor;
}

function batchNorm(x: tf.SymbolicTensor, prefix: string): tf.SymbolicTensor {
  return tf.layers
    .batchNormalization({ name: `${prefix}_bn`, epsilon: 1e-3 })
    .apply(x) as tf.SymbolicTensor;
}

function activation(x: tf.SymbolicTensor, prefix: string): tf.SymbolicTensor {
  return tf.layers
    .reLU({ name: `${prefix}_activation`, maxValue: 6 })
    .apply(x) as tf.SymbolicTensor;
}
