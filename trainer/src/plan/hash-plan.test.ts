import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { fusePlan } from './fuse.ts';
import { hashPlan } from './hash-plan.ts';
import { cutPlan, type Plan, parametersOf } from './plan.ts';

let plan: Plan;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  plan = fusePlan(buildTinyNetwork());
});

test('is the same for the same network, and leaves no tensors', async () => {
  const other = fusePlan(buildTinyNetwork());
  const before = tf.memory().numTensors;
  expect(await hashPlan(other)).toBe(await hashPlan(plan));
  expect(tf.memory().numTensors).toBe(before);
});

test.each([
  ['layer', () => cutPlan(plan, 'avg_pool').trunk],
  ['setting', () => fusePlan(buildTinyNetwork({ dropout: 0.1 }))],
  [
    'weight',
    () => {
      const changed = fusePlan(buildTinyNetwork());
      const { value } = parametersOf(changed)[0] as { value: tf.Variable };
      value.assign(value.add(1e-6));
      return changed;
    },
  ],
  [
    'number of a frozen BatchNorm',
    () => {
      const [first, ...rest] = plan.steps;
      if (first?.kind !== 'convolution' || !first.batchNorm) throw new Error('not a convolution');
      const batchNorm = { ...first.batchNorm, shift: first.batchNorm.shift.add<tf.Tensor1D>(1) };
      return { ...plan, steps: [{ ...first, batchNorm }, ...rest] };
    },
  ],
])('is another for another %s', async (_, change) => {
  expect(await hashPlan(change())).not.toBe(await hashPlan(plan));
});
