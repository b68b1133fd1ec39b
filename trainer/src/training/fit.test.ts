import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { memoryBatches } from '../../fixtures/memory-batches.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { smoke } from '../config/smoke.ts';
import type { StageConfig } from '../config/train-config.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan, parametersOf } from '../plan/plan.ts';
import { fit } from './fit.ts';
import { Optimizer } from './optimizer.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/** With nothing shown. */
const quietly = {
  seed: 'a',
  startProgress: () => ({ advance: () => {}, stop: () => {} }),
};

// A progress bar that is not stopped hides the cursor and keeps the process alive.
test('stops the progress bar when it is interrupted', async () => {
  const plan = fusePlan(buildTinyNetwork());
  let running = 0;
  const fitting = fit({
    plan,
    source: memoryBatches(4, [TINY_SIZE, TINY_SIZE, 3]),
    classes: 3,
    config: { ...smoke.stage2, batchSize: 2 },
    optimizer: new Optimizer(parametersOf(plan), smoke.stage2),
    ...quietly,
    startProgress: () => {
      running += 1;
      return {
        advance: () => {},
        stop: () => {
          running -= 1;
        },
      };
    },
    onStep: async () => {
      throw new Error('Stopped.');
    },
  });
  await expect(fitting).rejects.toThrow('Stopped.');
  expect(running).toBe(0);
});

test('prefetches the next batch before it reads the current one', async () => {
  const plan = fusePlan(buildTinyNetwork());
  const events: string[] = [];
  const source = memoryBatches(5, [TINY_SIZE, TINY_SIZE, 3]);
  const config = { ...smoke.stage2, epochs: 1, batchSize: 2 };
  await fit({
    plan,
    source: {
      ...source,
      prefetch: (indices) => events.push(`expect ${indices}`),
      inputs: (indices, random) => {
        events.push(`inputs ${indices}`);
        return source.inputs(indices, random);
      },
    },
    classes: 3,
    config,
    optimizer: new Optimizer(parametersOf(plan), config),
    ...quietly,
  });
  const asked = events.filter((event) => event.startsWith('inputs')).map((event) => event.slice(7));
  expect(asked).toHaveLength(3);
  const [first, second, third] = asked;
  expect(events).toEqual([
    `expect ${first}`,
    `expect ${second}`,
    `inputs ${first}`,
    `expect ${third}`,
    `inputs ${second}`,
    'expect ',
    `inputs ${third}`,
  ]);
  disposePlan(plan);
});

test('spreads an epoch evenly over its steps', async () => {
  const plan = fusePlan(buildTinyNetwork());
  const source = memoryBatches(13, [TINY_SIZE, TINY_SIZE, 3]);
  const config = { ...smoke.stage2, epochs: 1, batchSize: 4 };
  const steps: number[][] = [];
  await fit({
    plan,
    source: {
      ...source,
      inputs: (indices, random) => {
        steps.push([...indices]);
        return source.inputs(indices, random);
      },
    },
    classes: 3,
    config,
    optimizer: new Optimizer(parametersOf(plan), config),
    ...quietly,
  });
  expect(steps.map(({ length }) => length)).toEqual([4, 3, 3, 3]);
  expect(steps.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 13 }, (_, at) => at));
  disposePlan(plan);
});

/** Weights of the tiny network after two epochs. */
async function train(change: Partial<StageConfig>): Promise<Float32Array[]> {
  const plan = fusePlan(buildTinyNetwork());
  const config = { ...smoke.stage2, epochs: 2, batchSize: 5, peakLearningRate: 0.02, ...change };
  const before = tf.memory().numTensors;
  const optimizer = new Optimizer(parametersOf(plan), config);
  await fit({
    plan,
    source: memoryBatches(14, [TINY_SIZE, TINY_SIZE, 3]),
    classes: 3,
    config,
    optimizer,
    ...quietly,
  });
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
  const values = parametersOf(plan).map(({ value }) => value.dataSync<'float32'>().slice());
  disposePlan(plan);
  return values;
}

test('applies class weights only if the recipe asks for them', async () => {
  // 5, 5 and 4 examples: the weights are near 1, but not 1.
  const [plain, balanced] = [await train({}), await train({ classWeights: 'balanced' })];
  expect(balanced).not.toEqual(plain);
});
