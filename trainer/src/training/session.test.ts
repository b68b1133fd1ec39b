import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import {
  config,
  HALF,
  newPlan,
  of,
  prepareSessions,
  rich,
  STEPS,
  source,
  stageOf,
} from '../../fixtures/training/tiny-session.ts';
import type { BatchSource } from '../data/batches.ts';
import { Session } from './session.ts';

const { checkpoint, epochsLogged, runIn } = prepareSessions();

test('trains, and logs each epoch', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  const before = tf.memory().numTensors;
  await session.run(stageOf(plan, { config: { ...config, batchSize: 2 } }));
  expect(tf.memory().numTensors).toBe(before);
  const epochs = await epochsLogged();
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  expect(epochs[2]?.loss).toBeLessThan(0.8 * (epochs[0]?.loss as number));
  // A third would be chance.
  expect(epochs[2]?.validation.accuracy).toBeGreaterThan(0.5);
});

test('writes no checkpoint before one is due', async () => {
  const plan = newPlan();
  const session = await Session.start({ ...runIn(), checkpointEveryMs: 1e9 }, plan, of);
  await session.run(stageOf(plan, { number: 1 }));
  await session.finish(1);
  expect(session.isDone(1)).toBe(true);
  await session.run(stageOf(plan));
  expect((await checkpoint()).header).toMatchObject({ stage: 1, epoch: 0 });
  await session.finish(2);
  expect((await checkpoint()).header.stage).toBe(3);
});

test('uses the same memory after each epoch', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  const memory: unknown[] = [];
  const { validate } = stageOf(plan);
  const measuring = async () => {
    const { numTensors, numBytes, numDataBuffers } = tf.memory();
    memory.push({ numTensors, numBytes, numDataBuffers });
    return validate?.() ?? HALF;
  };
  await session.run(
    stageOf(plan, {
      ...rich,
      config: { ...config, ...rich.config, epochs: 5 },
      validate: measuring,
    }),
  );
  expect(memory).toHaveLength(5);
  expect(memory).toEqual(Array(5).fill(memory[0]));
});

test('trains each epoch on images of the size given for it', async () => {
  const sizes: (number | undefined)[] = [];
  const sized: BatchSource = {
    ...source,
    inputs(indices, random, size) {
      sizes.push(size);
      return source.inputs(indices, random);
    },
  };
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  await session.run(stageOf(plan, { source: sized, sizeIn: (epoch) => 32 + epoch }));
  expect(sizes).toEqual([32, 33, 34].flatMap((size) => Array(STEPS).fill(size)));
});

test('names the step whose loss is not a number, and leaves a checkpoint to resume from', async () => {
  const plan = newPlan();
  const session = await Session.start(runIn(), plan, of);
  let steps = 0;
  const broken: BatchSource = {
    ...source,
    inputs: async (indices, random) => {
      steps += 1;
      const inputs = await source.inputs(indices, random);
      return steps === STEPS + 2 ? inputs.mul(Number.NaN) : inputs;
    },
  };
  await expect(session.run(stageOf(plan, { source: broken }))).rejects.toMatchObject({
    code: 'loss_not_finite',
    message: 'The loss became NaN in epoch 2, step 2: lower the peak learning rate, which is 0.02.',
  });
  const { tensors } = await checkpoint();
  const numbers = [...tensors.values()].flatMap(({ values }) => [...values]);
  expect(numbers.every(Number.isFinite)).toBe(true);
});
