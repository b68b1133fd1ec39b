import type { Architecture } from './architecture.ts';

/**
 * VGG (Simonyan & Zisserman 2015, Table 1).
 *
 * @param convolutions in each of the five blocks: D is VGG-16, E VGG-19
 * @see https://github.com/keras-team/keras/blob/master/keras/src/applications/vgg16.py
 */
export function vgg(convolutions: readonly [number, number, number, number, number]): Architecture {
  return {
    trunk(layers, input) {
      let x = input;
      for (const [index, count] of convolutions.entries()) {
        const block = `block${index + 1}`;
        const filters = Math.min(64 * 2 ** index, 512);
        for (let number = 1; number <= count; number++) {
          const name = `${block}_conv${number}`;
          x = layers.conv2d(x, filters, 3, { name, padding: 'same', activation: 'relu' });
        }
        x = layers.maxPooling2d(x, 2, { name: `${block}_pool`, strides: 2 });
      }
      return x;
    },
    top(layers, features, classes) {
      let x = layers.flatten(features, 'flatten');
      x = layers.dense(x, 4096, 'relu', 'fc1');
      x = layers.dense(x, 4096, 'relu', 'fc2');
      return layers.dense(x, classes, 'softmax', 'predictions');
    },
  };
}
