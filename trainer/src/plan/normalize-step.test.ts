import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { fusePlan } from './fuse.ts';
import { normalizeStep } from './normalize-step.ts';
import { cutPlan } from './plan.ts';
import { runPlan } from './run.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

test('gives what a step puts out mean 0 and variance 1, and changes nothing before it', () => {
  const plan = fusePlan(buildTinyNetwork());
  const photoBatch = tf.randomNormal([16, TINY_SIZE, TINY_SIZE, 3], 1, 2, 'float32', 3);
  const name = 'project';
  const earlier = cutPlan(plan, 'filter').trunk;
  const before = tf.memory().numTensors;
  const normalized = normalizeStep(plan, name, photoBatch);
  expect(tf.memory().numTensors).toBe(before);
  const { mean, variance } = tf.moments(
    runPlan(cutPlan(normalized, name).trunk, photoBatch),
    [0, 1, 2],
  );
  for (const value of mean.dataSync()) expect(Math.abs(value)).toBeLessThan(1e-4);
  // Less epsilon.
  for (const value of variance.dataSync()) expect(Math.abs(value - 1)).toBeLessThan(0.05);
  expect(cutPlan(normalized, 'filter').trunk).toEqual(earlier);
});
