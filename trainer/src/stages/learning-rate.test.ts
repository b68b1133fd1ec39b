import { expect, test } from 'vitest';
import { fast } from '../config/fast.ts';
import { learningRate } from './learning-rate.ts';

const stage = {
  ...fast.stage2,
  epochs: 1,
  minSteps: 0,
  batchSize: 1,
  peakLearningRate: 1,
  finalLearningRate: 0.1,
  warmup: 0.1,
};

test('rises in the warm-up, peaks behind it, and falls along a cosine', () => {
  const rates = Array.from({ length: 100 }, (_, step) => learningRate(stage, step, 100));
  expect(rates[0]).toBeCloseTo(1 / 11);
  expect(rates[9]).toBeCloseTo(10 / 11);
  expect(rates[10]).toBe(1);
  expect(rates[55]).toBeCloseTo(0.55);
  expect(rates[99]).toBeGreaterThan(0.1);
  expect(rates[99]).toBeLessThan(0.101);
});

test('starts at the peak without a warm-up', () => {
  expect(learningRate({ ...stage, warmup: 0 }, 0, 10)).toBe(1);
});
