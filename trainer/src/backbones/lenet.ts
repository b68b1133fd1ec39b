import type { Architecture } from './architecture.ts';

/** LeNet-5 (LeCun et al. 1998, Figure 2), with every map connected to every map, and a softmax at the end. */
export const lenet5: Architecture = {
  trunk(layers, input) {
    let x = layers.conv2d(input, 6, 5, { name: 'c1', activation: 'tanh' });
    x = layers.averagePooling2d(x, 2, { name: 's2', strides: 2 });
    x = layers.conv2d(x, 16, 5, { name: 'c3', activation: 'tanh' });
    return layers.averagePooling2d(x, 2, { name: 's4', strides: 2 });
  },
  top(layers, features, classes) {
    let x = layers.dense(layers.flatten(features, 'flatten'), 120, 'tanh', 'c5');
    x = layers.dense(x, 84, 'tanh', 'f6');
    return layers.dense(x, classes, 'softmax', 'predictions');
  },
};
