import type { Architecture } from './architecture.ts';
import type { KerasLayers, Value } from './layers/keras-layers.ts';

const EPSILON = 1e-5;

interface SeNetOptions {
  /** Blocks of the four stacks. */
  readonly blocks: readonly [number, number, number, number];
  /** SENet-154: a stem of three convolutions, grouped ones in the blocks, a wider shortcut. */
  readonly deep?: boolean;
}

/**
 * Squeeze-and-excitation networks as published for Caffe (Hu et al. 2018, Table 1 and Appendix).
 * Layers have Keras' names for ResNet, and `_se_` as in EfficientNet.
 *
 * @see https://github.com/hujie-frank/SENet
 */
export function senet({ blocks, deep = false }: SeNetOptions): Architecture {
  function trunk(layers: KerasLayers, input: Value): Value {
    let x = input;
    if (deep) {
      x = relu(layers, convolve(layers, x, 'conv1_1', 64, 3, 2), 'conv1_1');
      x = relu(layers, convolve(layers, x, 'conv1_2', 64, 3), 'conv1_2');
      x = relu(layers, convolve(layers, x, 'conv1_3', 128, 3), 'conv1_3');
    } else {
      x = relu(layers, convolve(layers, x, 'conv1', 64, 7, 2), 'conv1');
    }
    // Caffe rounds a pool's output size up, which is a padding at the end only.
    x = layers.maxPooling2d(x, 3, { name: 'pool1_pool', strides: 2, padding: 'same' });
    for (const [stack, count] of blocks.entries()) {
      for (let number = 1; number <= count; number++) {
        x = block(layers, x, stack, number);
      }
    }
    return x;
  }

  function block(layers: KerasLayers, input: Value, stack: number, number: number): Value {
    const name = `conv${stack + 2}_block${number}`;
    const filters = 64 * 2 ** stack;
    const strides = stack > 0 && number === 1 ? 2 : 1;
    let shortcut = input;
    if (number === 1) {
      const size = deep && stack > 0 ? 3 : 1;
      shortcut = convolve(layers, input, `${name}_0`, 4 * filters, size, strides);
    }
    const [first, second] = deep ? [2 * filters, 4 * filters] : [filters, filters];
    // The stride is the grouped convolution's, or else the first one's.
    let x = convolve(layers, input, `${name}_1`, first, 1, deep ? 1 : strides);
    x = relu(layers, x, `${name}_1`);
    x = convolve(layers, x, `${name}_2`, second, 3, deep ? strides : 1, deep ? 64 : 1);
    x = relu(layers, x, `${name}_2`);
    x = convolve(layers, x, `${name}_3`, 4 * filters, 1);
    x = squeezeAndExcite(layers, x, name, 4 * filters);
    return layers.activation(layers.add([x, shortcut], `${name}_add`), 'relu', `${name}_out`);
  }

  function top(layers: KerasLayers, features: Value, classes: number): Value {
    let x = layers.globalAveragePooling2d(features, 'avg_pool');
    if (deep) x = layers.dropout(x, 0.2, 'top_dropout');
    return layers.dense(x, classes, 'softmax', 'predictions');
  }

  return { trunk, top };
}

/** Convolution and BatchNorm, with Caffe's padding on all sides. */
function convolve(
  layers: KerasLayers,
  x: Value,
  name: string,
  filters: number,
  kernelSize: number,
  strides = 1,
  groups = 1,
): Value {
  const half = Math.floor(kernelSize / 2);
  const padded = half === 0 ? x : layers.zeroPadding2d(x, half, `${name}_pad`);
  const options = { name: `${name}_conv`, strides, useBias: false, groups };
  const y = layers.conv2d(padded, filters, kernelSize, options);
  return layers.batchNorm(y, { name: `${name}_bn`, epsilon: EPSILON });
}

function relu(layers: KerasLayers, x: Value, name: string): Value {
  return layers.activation(x, 'relu', `${name}_relu`);
}

/** Weighs each channel by a gate from the means of all channels (Hu et al. 2018, Figure 2). */
function squeezeAndExcite(layers: KerasLayers, x: Value, name: string, channels: number): Value {
  let gate = layers.globalAveragePooling2d(x, `${name}_se_squeeze`);
  gate = layers.reshape(gate, [1, 1, channels], `${name}_se_reshape`);
  gate = layers.conv2d(gate, channels / 16, 1, { name: `${name}_se_reduce`, activation: 'relu' });
  gate = layers.conv2d(gate, channels, 1, { name: `${name}_se_expand`, activation: 'sigmoid' });
  return layers.multiply([x, gate], `${name}_se_excite`);
}
