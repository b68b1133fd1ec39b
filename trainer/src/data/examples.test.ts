import * as tf from '@tensorflow/tfjs';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import type { Image } from 'shared/images/image';
import { beforeAll, expect, test } from 'vitest';
import { memoryExamples } from '../../fixtures/memory-examples.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { fusePlan } from '../plan/fuse.ts';
import { cutPlan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import {
  balancedWeights,
  batches,
  expecting,
  photoExamples,
  throughPlan,
  truthOf,
} from './examples.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/** The image at `index` is all of the grey `10 · index`; its label is `index`. */
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
  const examples = photoExamples({ set: greys, indices: [4, 9, 2] }, spec);
  expect(examples.length).toBe(3);
  expect([0, 1, 2].map((index) => examples.label(index))).toEqual([4, 9, 2]);
  const before = tf.memory().numTensors;
  const batch = await examples.inputs([2, 0], createRandom(1));
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(batch.shape).toEqual([2, 2, 2, 3]);
  const pixel = (grey: number) => [grey, grey + 0.5, 2 * grey];
  expect([...batch.dataSync()]).toEqual([
    ...[20, 20, 20, 20].flatMap(pixel),
    ...[40, 40, 40, 40].flatMap(pixel),
  ]);
});

test('makes the images as large as it is asked to', async () => {
  const examples = photoExamples({ set: greys, indices: [4, 9] }, spec);
  const batch = await examples.inputs([1], createRandom(1), 3);
  expect(batch.shape).toEqual([1, 3, 3, 3]);
  expect([...batch.dataSync()]).toEqual(Array(9).fill([90, 90.5, 180]).flat());
});

test('augments each image before it is preprocessed, from one stream of chance', async () => {
  const drawn: number[] = [];
  const examples = photoExamples({ set: greys, indices: [1, 2] }, spec, {
    augment(image, random) {
      drawn.push(random.float());
      return { ...image, data: image.data.map((sample) => sample + 100) };
    },
  });
  const batch = await examples.inputs([0, 1], createRandom(5));
  expect([...batch.dataSync()].filter((_, i) => i % 12 === 0)).toEqual([110, 120]);
  const random = createRandom(5);
  expect(drawn).toEqual([random.float(), random.float()]);
});

test('says which images come next, by their places in the set', () => {
  const told: (readonly number[])[] = [];
  const set = { ...greys, expect: (indices: readonly number[]) => told.push(indices) };
  const examples = photoExamples({ set, indices: [4, 9, 2, 7] }, spec);
  const seen: (readonly number[])[] = [];
  for (const batch of expecting(examples, [[0, 1], [3], [2]])) {
    seen.push(batch);
    // Before a batch is asked for, it and the next one are known.
    expect(told.flat().length).toBe([3, 4, 4][seen.length - 1]);
  }
  expect(seen).toEqual([[0, 1], [3], [2]]);
  expect(told).toEqual([[4, 9], [7], [2], []]);
});

test('turns classes into distributions', () => {
  const truth = truthOf(memoryExamples(6, [1]), [5, 0, 1], 4);
  expect(truth.dtype).toBe('float32');
  expect(truth.arraySync()).toEqual([
    [0, 0, 1, 0],
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ]);
});

/** scikit-learn's `compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 1, 1, 2, 2, 2])`. */
test('weighs classes so that all count alike', () => {
  const labels = [0, 1, 1, 2, 2, 2];
  const examples = { ...memoryExamples(6, [1]), label: (index: number) => labels[index] as number };
  const weights = balancedWeights(examples, 4);
  [2, 1, 2 / 3, 0].forEach((expected, i) => {
    expect(weights[i]).toBeCloseTo(expected, 9);
  });
  const rows = truthOf(examples, [0, 3], 4, 0, weights).arraySync();
  expect(rows).toEqual([
    [2, 0, 0, 0],
    [0, 0, Math.fround(2 / 3), 0],
  ]);
});

test('runs examples through a plan', async () => {
  const examples = memoryExamples(4, [TINY_SIZE, TINY_SIZE, 3]);
  const { trunk } = cutPlan(fusePlan(buildTinyNetwork()), 'avg_pool');
  const features = throughPlan(trunk, examples);
  expect([features.length, features.label(2)]).toEqual([4, 2]);
  const before = tf.memory().numTensors;
  const batch = await features.inputs([2, 0], createRandom(1));
  expect(tf.memory().numTensors).toBe(before + 1);
  const expected = runPlan(trunk, await examples.inputs([2, 0], createRandom(1)));
  expect([...batch.dataSync()]).toEqual([...expected.dataSync()]);
});

test('smooths distributions', () => {
  const truth = truthOf(memoryExamples(6, [1]), [1, 3], 4, 0.2);
  const [high, low] = [Math.fround(0.85), Math.fround(0.05)];
  expect(truth.arraySync()).toEqual([
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
])('counts to %i in runs of at most %i', (length, size, expected) => {
  expect([...batches(length, size)]).toEqual(expected);
});
