import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import type { Image } from 'shared/images/image';
import { beforeAll, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { fusePlan } from '../plan/fuse.ts';
import { cutPlan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import {
  balancedWeights,
  batchIndices,
  imageBatches,
  targetsOf,
  throughPlan,
  withPrefetch,
} from './batches.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/** All pixels of the image at `index` have the grey value `10 · index`; its label is `index`. */
const greys = {
  length: 10,
  label: (index: number) => index,
  image: async (index: number): Promise<Image> => ({
    width: 4,
    height: 4,
    channels: 3,
    data: new Uint8Array(48).fill(10 * index),
  }),
};

const spec: PreprocessSpec = {
  fit: 'cover',
  size: 2,
  filter: 'bicubic',
  channelOrder: 'rgb',
  arithmetic: [
    { operation: 'subtract', by: [0, -0.5, 0] },
    { operation: 'multiply', by: [1, 1, 2] },
  ],
};

test('preprocesses the chosen images into one batch, in the order asked for', async () => {
  const source = imageBatches({ set: greys, indices: [4, 9, 2] }, spec);
  expect(source.length).toBe(3);
  expect([0, 1, 2].map((index) => source.label(index))).toEqual([4, 9, 2]);
  const before = tf.memory().numTensors;
  const batch = await source.inputs([2, 0], createRandom(1));
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(batch.shape).toEqual([2, 2, 2, 3]);
  const pixel = (grey: number) => [grey, grey + 0.5, 2 * grey];
  expect([...batch.dataSync()]).toEqual([
    ...[20, 20, 20, 20].flatMap(pixel),
    ...[40, 40, 40, 40].flatMap(pixel),
  ]);
});

test('resizes the images to the requested side', async () => {
  const source = imageBatches({ set: greys, indices: [4, 9] }, spec);
  const batch = await source.inputs([1], createRandom(1), 3);
  expect(batch.shape).toEqual([1, 3, 3, 3]);
  expect([...batch.dataSync()]).toEqual(Array(9).fill([90, 90.5, 180]).flat());
});

test('augments each image before it is preprocessed, all from one random generator', async () => {
  const drawn: number[] = [];
  const source = imageBatches({ set: greys, indices: [1, 2] }, spec, {
    augment(image, random) {
      drawn.push(random.float());
      return { ...image, data: image.data.map((sample) => sample + 100) };
    },
  });
  const batch = await source.inputs([0, 1], createRandom(5));
  expect([...batch.dataSync()].filter((_, i) => i % 12 === 0)).toEqual([110, 120]);
  const random = createRandom(5);
  expect(drawn).toEqual([random.float(), random.float()]);
});

test('prefetches the next images, by their indices in the set', () => {
  const told: (readonly number[])[] = [];
  const set = { ...greys, prefetch: (indices: readonly number[]) => told.push(indices) };
  const source = imageBatches({ set, indices: [4, 9, 2, 7] }, spec);
  const seen: (readonly number[])[] = [];
  for (const batch of withPrefetch(source, [[0, 1], [3], [2]])) {
    seen.push(batch);
    // Before a batch is requested, it and the next one have been announced.
    expect(told.flat().length).toBe([3, 4, 4][seen.length - 1]);
  }
  expect(seen).toEqual([[0, 1], [3], [2]]);
  expect(told).toEqual([[4, 9], [7], [2], []]);
});

test('turns labels into target distributions', () => {
  const targets = targetsOf(memoryBatches(6, [1]), [5, 0, 1], 4);
  expect(targets.dtype).toBe('float32');
  expect(targets.arraySync()).toEqual([
    [0, 0, 1, 0],
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ]);
});

/** scikit-learn's `compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 1, 1, 2, 2, 2])`. */
test('balances the classes by weights', () => {
  const labels = [0, 1, 1, 2, 2, 2];
  const source = { ...memoryBatches(6, [1]), label: (index: number) => labels[index] as number };
  const weights = balancedWeights(source, 4);
  [2, 1, 2 / 3, 0].forEach((expected, i) => {
    expect(weights[i]).toBeCloseTo(expected, 9);
  });
  const rows = targetsOf(source, [0, 3], 4, 0, weights).arraySync();
  expect(rows).toEqual([
    [2, 0, 0, 0],
    [0, 0, Math.fround(2 / 3), 0],
  ]);
});

test('runs examples through a plan', async () => {
  const source = memoryBatches(4, [TINY_SIZE, TINY_SIZE, 3]);
  const { trunk } = cutPlan(fusePlan(buildTinyNetwork()), 'avg_pool');
  const features = throughPlan(trunk, source);
  expect([features.length, features.label(2)]).toEqual([4, 2]);
  const before = tf.memory().numTensors;
  const batch = await features.inputs([2, 0], createRandom(1));
  expect(tf.memory().numTensors).toBe(before + 1);
  const expected = runPlan(trunk, await source.inputs([2, 0], createRandom(1)));
  expect([...batch.dataSync()]).toEqual([...expected.dataSync()]);
});

test('smooths the targets', () => {
  const targets = targetsOf(memoryBatches(6, [1]), [1, 3], 4, 0.2);
  const [high, low] = [Math.fround(0.85), Math.fround(0.05)];
  expect(targets.arraySync()).toEqual([
    [low, high, low, low],
    [high, low, low, low],
  ]);
});

test.each([
  [5, 2, [[0, 1], [2, 3], [4]]],
  [
    4,
    2,
    [
      [0, 1],
      [2, 3],
    ],
  ],
  [2, 64, [[0, 1]]],
  [0, 4, []],
])('splits %i indices into batches of at most %i', (length, size, expected) => {
  expect([...batchIndices(length, size)]).toEqual(expected);
});
