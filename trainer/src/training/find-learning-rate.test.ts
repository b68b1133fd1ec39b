import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { smoke } from '../config/smoke.ts';
import { fusePlan } from '../plan/fuse.ts';
import { parametersOf } from '../plan/plan.ts';
import { findLearningRate } from './find-learning-rate.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

const source = memoryBatches(14, [TINY_SIZE, TINY_SIZE, 3]);

test('finds where the loss falls and diverges, and restores the weights', async () => {
  const plan = fusePlan(buildTinyNetwork());
  const values = () => parametersOf(plan).map(({ value }) => [...value.dataSync()]);
  const expected = values();
  const before = tf.memory().numTensors;
  const config = { ...smoke.stage2, batchSize: 4 };
  const { points, least } = await findLearningRate(
    { plan, source, classes: 3, config },
    { lowest: 1e-5, highest: 1e3, steps: 60, seed: 1 },
  );
  expect(tf.memory().numTensors).toBe(before);
  expect(values()).toEqual(expected);

  // The test stopped before the last step.
  expect(points.length).toBeGreaterThan(20);
  expect(points.length).toBeLessThan(60);
  const losses = points.map(({ loss }) => loss);
  const lowest = Math.min(...losses);
  expect(lowest).toBeLessThan(0.97 * (losses[0] as number));
  expect(least).toBe(points[losses.indexOf(lowest)]?.rate);
  for (const [i, { rate }] of points.entries()) {
    expect(rate / (1e-5 * 1e8 ** (i / 59))).toBeCloseTo(1, 9);
  }
});

test('takes the batches of a training, an epoch after the other', async () => {
  const plan = fusePlan(buildTinyNetwork());
  const seen: number[] = [];
  const lengths: number[] = [];
  const watched = {
    ...source,
    inputs: (indices: readonly number[], ...rest: [Parameters<typeof source.inputs>[1]]) => {
      seen.push(...indices);
      lengths.push(indices.length);
      return source.inputs(indices, ...rest);
    },
  };
  const config = { ...smoke.stage2, batchSize: 5 };
  const range = { lowest: 1e-6, highest: 1e-5, steps: 9, seed: 1 };
  await findLearningRate({ plan, source: watched, classes: 3, config }, range);
  expect(lengths).toEqual([5, 5, 4, 5, 5, 4, 5, 5, 4]);
  // Each image three times, in a new order each time.
  for (const round of [0, 14, 28]) {
    expect(seen.slice(round, round + 14).sort((a, b) => a - b)).toEqual([...Array(14).keys()]);
  }
});
