import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { startBackend } from '../backends/start-backend.ts';
import type { BatchSource } from '../data/batches.ts';
import { evaluate } from './evaluate.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

const never = new AbortController().signal;
const progress = { advance: () => {}, stop: () => {} };

/** A source whose inputs are probabilities: the network under test is the identity. */
const rows = [
  [0.75, 0.25],
  [0.25, 0.75],
  [0.5, 0.5],
  [0, 1],
  [1, 0],
];
const labels = [0, 1, 1, 1, 1];
const source: BatchSource = {
  length: rows.length,
  label: (index) => labels[index] as number,
  inputs: async (indices) => tf.tensor2d(indices.map((index) => rows[index] as number[])),
};
const expected = {
  classes: 2,
  probabilities: Float32Array.from(rows.flat()),
  labels: Int32Array.from(labels),
};

test.each([1, 2, 5, 64])('returns all predictions with batches of %i', async (batchSize) => {
  const before = tf.memory().numTensors;
  const predictions = await evaluate((x) => x.clone(), source, {
    progress,
    signal: never,
    batchSize,
  });
  expect(predictions).toEqual(expected);
  expect(tf.memory().numTensors).toBe(before);
});

test('leaks no tensor where the network returns its input', async () => {
  const before = tf.memory().numTensors;
  expect(await evaluate((x) => x, source, { progress, signal: never, batchSize: 2 })).toEqual(
    expected,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test('reports its progress', async () => {
  const advances: (number | 'stop')[] = [];
  const counting = {
    advance: (images: number) => advances.push(images),
    stop: () => advances.push('stop'),
  };
  await evaluate((x) => x.clone(), memoryBatches(5, [3]), {
    progress: counting,
    signal: never,
    batchSize: 2,
  });
  expect(advances).toEqual([2, 2, 1, 'stop']);
});

test("throws the signal's reason", async () => {
  const stopped = AbortSignal.abort(new Error('Stopped.'));
  let ended = false;
  const ending = {
    advance: () => {},
    stop: () => {
      ended = true;
    },
  };
  const answer = evaluate((x) => x.clone(), source, { progress: ending, signal: stopped });
  await expect(answer).rejects.toThrow('Stopped.');
  // A progress bar that is not stopped keeps the process alive.
  expect(ended).toBe(true);
});
