import type { Architecture } from './architecture.ts';

/** AlexNet (Krizhevsky et al. 2012, Figure 2): its groups were computed on two GPUs. */
export const alexnet: Architecture = {
  trunk(layers, input) {
    const same = { padding: 'same', activation: 'relu' } as const;
    let x = layers.conv2d(input, 96, 11, { name: 'conv1', strides: 4, activation: 'relu' });
    x = layers.localResponseNormalization(x, 'norm1');
    x = layers.maxPooling2d(x, 3, { name: 'pool1', strides: 2 });
    x = layers.conv2d(x, 256, 5, { name: 'conv2', groups: 2, ...same });
    x = layers.localResponseNormalization(x, 'norm2');
    x = layers.maxPooling2d(x, 3, { name: 'pool2', strides: 2 });
    x = layers.conv2d(x, 384, 3, { name: 'conv3', ...same });
    x = layers.conv2d(x, 384, 3, { name: 'conv4', groups: 2, ...same });
    x = layers.conv2d(x, 256, 3, { name: 'conv5', groups: 2, ...same });
    return layers.maxPooling2d(x, 3, { name: 'pool5', strides: 2 });
  },
  top(layers, features, classes) {
    let x = layers.dense(layers.flatten(features, 'flatten'), 4096, 'relu', 'fc6');
    x = layers.dropout(x, 0.5, 'drop6');
    x = layers.dense(x, 4096, 'relu', 'fc7');
    x = layers.dropout(x, 0.5, 'drop7');
    return layers.dense(x, classes, 'softmax', 'predictions');
  },
};
