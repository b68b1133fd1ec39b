import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { memoryExamples } from '../../fixtures/memory-examples.ts';
import { startBackend } from '../runtime/start-backend.ts';
import type { Examples } from '../stages/examples.ts';
import { evaluate } from './evaluate.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

const never = new AbortController().signal;
const progress = { advance: () => {}, stop: () => {} };

/** Scores as inputs: the network under test is the identity. */
function scored(rows: readonly number[][], labels: readonly number[]): Examples {
  return {
    length: rows.length,
    label: (index) => labels[index] as number,
    inputs: async (indices) => tf.tensor2d(indices.map((index) => rows[index] as number[])),
  };
}

const examples = scored(
  [
    [0.9, 0.1],
    [0.2, 0.8],
    [0.6, 0.4],
    [-5, -4],
    [3, 2],
  ],
  [0, 1, 1, 1, 1],
);

test.each([1, 2, 5, 64])('counts the right answers in batches of %i', async (batchSize) => {
  const before = tf.memory().numTensors;
  const accuracy = await evaluate((x) => x.clone(), examples, batchSize, progress, never);
  expect(accuracy).toBe(3 / 5);
  expect(tf.memory().numTensors).toBe(before);
});

test('leaves nothing behind where the network returns what it got', async () => {
  const before = tf.memory().numTensors;
  expect(await evaluate((x) => x, examples, 2, progress, never)).toBe(3 / 5);
  expect(tf.memory().numTensors).toBe(before);
});

test('says how far it is', async () => {
  const advances: (number | 'stop')[] = [];
  const counting = {
    advance: (pictures: number) => advances.push(pictures),
    stop: () => advances.push('stop'),
  };
  await evaluate((x) => x.clone(), memoryExamples(5, [3]), 2, counting, never);
  expect(advances).toEqual([2, 2, 1, 'stop']);
});

test('stops with the reason of the interruption', async () => {
  const stopped = AbortSignal.abort(new Error('Stopped.'));
  let ended = false;
  const ending = {
    advance: () => {},
    stop: () => {
      ended = true;
    },
  };
  const answer = evaluate((x) => x.clone(), examples, 2, ending, stopped);
  await expect(answer).rejects.toThrow('Stopped.');
  // A bar that is left running keeps the process alive.
  expect(ended).toBe(true);
});
