import { type Architecture, averageAndClassify } from './architecture.ts';
import type { KerasLayers, Value } from './layers/keras-layers.ts';

/**
 * Xception (Chollet 2017, Figure 5).
 *
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/xception.py
 */
export const xception: Architecture = {
  trunk(layers, input) {
    let x = layers.conv2d(input, 32, 3, { name: 'block1_conv1', strides: 2, useBias: false });
    x = layers.activation(
      layers.batchNorm(x, { name: 'block1_conv1_bn' }),
      'relu',
      'block1_conv1_act',
    );
    x = layers.conv2d(x, 64, 3, { name: 'block1_conv2', useBias: false });
    x = layers.activation(
      layers.batchNorm(x, { name: 'block1_conv2_bn' }),
      'relu',
      'block1_conv2_act',
    );
    for (const [index, filters] of [128, 256, 728].entries()) {
      x = shrinkingBlock(layers, x, index + 2, filters, filters);
    }
    for (let number = 5; number <= 12; number++) {
      let y = x;
      for (let part = 1; part <= 3; part++) {
        y = layers.activation(y, 'relu', `block${number}_sepconv${part}_act`);
        y = separable(layers, y, `block${number}_sepconv${part}`, 728);
      }
      x = layers.add([y, x]);
    }
    x = shrinkingBlock(layers, x, 13, 728, 1024);
    for (const [index, filters] of [1536, 2048].entries()) {
      const name = `block14_sepconv${index + 1}`;
      x = layers.activation(separable(layers, x, name, filters), 'relu', `${name}_act`);
    }
    return x;
  },
  top: averageAndClassify('avg_pool'),
};

/** Two separable convolutions and a pooling of stride 2, with a convolution of stride 2 as shortcut. */
function shrinkingBlock(
  layers: KerasLayers,
  input: Value,
  number: number,
  firstFilters: number,
  filters: number,
): Value {
  const name = `block${number}`;
  const shortcut = layers.batchNorm(
    layers.conv2d(input, filters, 1, { strides: 2, padding: 'same', useBias: false }),
  );
  // The first block's input comes straight from an activation.
  let x = number === 2 ? input : layers.activation(input, 'relu', `${name}_sepconv1_act`);
  x = separable(layers, x, `${name}_sepconv1`, firstFilters);
  x = layers.activation(x, 'relu', `${name}_sepconv2_act`);
  x = separable(layers, x, `${name}_sepconv2`, filters);
  x = layers.maxPooling2d(x, 3, { name: `${name}_pool`, strides: 2, padding: 'same' });
  return layers.add([x, shortcut]);
}

function separable(layers: KerasLayers, x: Value, name: string, filters: number): Value {
  const y = layers.separableConv2d(x, filters, 3, { name, padding: 'same', useBias: false });
  return layers.batchNorm(y, { name: `${name}_bn` });
}
