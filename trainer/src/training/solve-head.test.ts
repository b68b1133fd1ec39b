import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { buildTinyNetwork } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import type { BatchSource } from '../data/batches.ts';
import { fusePlan } from '../plan/fuse.ts';
import { cutPlan, parametersOf } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { minimize } from './minimize.ts';
import { solveHead } from './solve-head.ts';

const { signal } = new AbortController();
const classes = 3;

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/** Examples of the tiny network's head, whose features have scales of their own, and one is constant. */
function features(length: number, seed: number): BatchSource {
  const source = memoryBatches(length, [4], { classes, seed });
  return {
    ...source,
    inputs: async (indices, random) =>
      tf
        .tidy(() => tf.zeros([indices.length, 4]))
        .add((await source.inputs(indices, random)).mul([1, 3, 0.3, 0]).add([0, 50, 0, 7])),
  };
}

async function rightOf(head: Parameters<typeof runPlan>[0], source: BatchSource): Promise<number> {
  const all = Array.from({ length: source.length }, (_, index) => index);
  const inputs = await source.inputs(all, createRandom(1));
  const found = runPlan(head, inputs).argMax(1).dataSync();
  return all.filter((index) => found[index] === source.label(index)).length / source.length;
}

test('solves a head that reads features as they are, whatever their means', async () => {
  const { head } = cutPlan(fusePlan(buildTinyNetwork({ dropout: 0.5 })), 'avg_pool');
  const source = features(90, 1);
  const { loss } = await solveHead({
    ...{ head, source, classes, signal, seed: 1 },
    config: { classWeights: 'none' },
  });
  expect(loss).toBeLessThan(0.6);
  expect(await rightOf(head, features(60, 2))).toBeGreaterThan(0.75);
});

test('leaves no tensors', async () => {
  const { head } = cutPlan(fusePlan(buildTinyNetwork()), 'avg_pool');
  const source = memoryBatches(12, [4], { classes });
  const { numTensors } = tf.memory();
  await solveHead({
    ...{ head, source, classes, signal, seed: 1 },
    config: { classWeights: 'balanced' },
  });
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('stops when it is told to', async () => {
  const { head } = cutPlan(fusePlan(buildTinyNetwork()), 'avg_pool');
  const before = parametersOf(head)[0]?.value.dataSync();
  await expect(
    solveHead({
      ...{ head, source: memoryBatches(12, [4], { classes }), classes, seed: 1 },
      config: { classWeights: 'none' },
      signal: AbortSignal.abort(new Error('enough')),
    }),
  ).rejects.toThrow('enough');
  expect(parametersOf(head)[0]?.value.dataSync()).toEqual(before);
});

test('finds the minimum of a badly conditioned quadratic', async () => {
  const scales = [1, 30, 1000];
  const slope = async (at: Float64Array) => ({
    value: at.reduce(
      (sum, x, index) => sum + ((scales[index] as number) * (x - index) ** 2) / 2,
      0,
    ),
    gradient: at.map((x, index) => (scales[index] as number) * (x - index)),
  });
  const options = { iterations: 100, tolerance: 1e-8 };
  const found = await minimize(slope, Float64Array.of(9, 9, 9), options);
  for (const [index, x] of found.entries()) expect(x).toBeCloseTo(index, 6);
});
