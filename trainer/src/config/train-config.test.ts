import { expect, test } from 'vitest';
import { fast } from './fast.ts';
import { stretchStage } from './train-config.ts';

const stage = { ...fast.stage2, epochs: 2, minSteps: 100, batchSize: 10 };

test('adds epochs where a small data set would have too few steps', () => {
  // 5 steps an epoch.
  expect(stretchStage(stage, 41).epochs).toBe(20);
});

test('leaves a stage alone that has steps enough, or none', () => {
  expect(stretchStage(stage, 1000)).toEqual(stage);
  expect(stretchStage({ ...stage, epochs: 0 }, 41).epochs).toBe(0);
});
