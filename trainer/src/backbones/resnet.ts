import { type Architecture, averageAndClassify } from './architecture.ts';
import type { KerasLayers, Value } from './layers/keras-layers.ts';

const EPSILON = 1.001e-5;

/**
 * ResNet of bottlenecks, the stride in their first convolution (He et al. 2016, Table 1).
 *
 * @param blocks of the four stacks
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/resnet.py
 */
export function resnet(blocks: readonly [number, number, number, number]): Architecture {
  function trunk(layers: KerasLayers, input: Value): Value {
    let x = layers.zeroPadding2d(input, 3, 'conv1_pad');
    x = layers.conv2d(x, 64, 7, { name: 'conv1_conv', strides: 2 });
    x = layers.batchNorm(x, { name: 'conv1_bn', epsilon: EPSILON });
    x = layers.activation(x, 'relu', 'conv1_relu');
    x = layers.zeroPadding2d(x, 1, 'pool1_pad');
    x = layers.maxPooling2d(x, 3, { name: 'pool1_pool', strides: 2 });
    for (const [stack, count] of blocks.entries()) {
      for (let number = 1; number <= count; number++) {
        const strides = stack > 0 && number === 1 ? 2 : 1;
        x = block(
          layers,
          x,
          `conv${stack + 2}_block${number}`,
          64 * 2 ** stack,
          strides,
          number === 1,
        );
      }
    }
    return x;
  }

  function block(
    layers: KerasLayers,
    input: Value,
    name: string,
    filters: number,
    strides: number,
    convolveShortcut: boolean,
  ): Value {
    const convolve = (
      x: Value,
      part: number,
      filters: number,
      size: number,
      strides = 1,
    ): Value => {
      const options = { name: `${name}_${part}_conv`, strides, padding: 'same' } as const;
      const y = layers.conv2d(x, filters, size, options);
      return layers.batchNorm(y, { name: `${name}_${part}_bn`, epsilon: EPSILON });
    };
    const shortcut = convolveShortcut ? convolve(input, 0, 4 * filters, 1, strides) : input;
    let x = layers.activation(convolve(input, 1, filters, 1, strides), 'relu', `${name}_1_relu`);
    x = layers.activation(convolve(x, 2, filters, 3), 'relu', `${name}_2_relu`);
    x = convolve(x, 3, 4 * filters, 1);
    return layers.activation(layers.add([shortcut, x], `${name}_add`), 'relu', `${name}_out`);
  }

  return {
    trunk,
    top: averageAndClassify('avg_pool'),
    poolNames: { avg: 'avg_pool', max: 'max_pool' },
  };
}
