import { expect, test } from 'vitest';
import { fast } from './fast.ts';
import { sizeInEpoch, spreadEpoch, stretchStage } from './stage-length.ts';
import { trainConfig } from './train-config.ts';

const stage = { ...fast.stage2, epochs: 2, minSteps: 100, batchSize: 10 };

test('adds epochs where a small data set would have too few steps', () => {
  // 5 steps an epoch.
  expect(stretchStage(stage, 41).epochs).toBe(20);
  // Whatever is counted in epochs is scaled with them.
  const counting = { ...stage, patience: 3 };
  expect(stretchStage(counting, 41)).toMatchObject({ patience: 30 });
});

test('leaves out epochs where a large data set would have too many steps', () => {
  expect(stretchStage({ ...stage, maxSteps: 199 }, 1000).epochs).toBe(1);
  expect(stretchStage({ ...stage, maxSteps: 200 }, 1000).epochs).toBe(2);
});

test('raises the learning rate of a stage of few steps, at most to twice', () => {
  const full = { ...stage, minSteps: 30, peakLearningRate: 1e-3, fullSteps: 60 };
  const rateOf = (examples: number) => stretchStage(full, examples).peakLearningRate;
  // 30, 40 and 60 steps.
  expect(rateOf(41)).toBeCloseTo(2e-3);
  expect(rateOf(200)).toBeCloseTo(1.5e-3);
  expect(rateOf(300)).toBe(1e-3);
  expect(rateOf(1000)).toBe(1e-3);
  expect(stretchStage({ ...full, fullSteps: 1000 }, 41).peakLearningRate).toBe(2e-3);
  expect(stretchStage({ ...full, fullSteps: 0 }, 41).peakLearningRate).toBe(1e-3);
});

test('spreads the examples of an epoch evenly over as few batches as hold them', () => {
  const batches = (examples: number) => {
    const { steps, firstOf } = spreadEpoch(examples, { batchSize: 32 });
    expect(firstOf(steps)).toBe(examples);
    return Array.from({ length: steps }, (_, step) => firstOf(step + 1) - firstOf(step));
  };
  expect([31, 32, 33, 36, 72].map(batches)).toEqual([[31], [32], [17, 16], [18, 18], [24, 24, 24]]);
  expect(batches(993)).toEqual([32, ...Array(31).fill(31)]);
});

test('does not change a stage that has enough steps, or none', () => {
  expect(stretchStage(stage, 1000)).toEqual(stage);
  expect(stretchStage({ ...stage, epochs: 0 }, 41).epochs).toBe(0);
});

test('spreads the sizes evenly over the epochs', () => {
  const sizes = [96, 128, 160];
  const config = { ...fast, stage2: { ...fast.stage2, sizes } };
  const inEpochs = (epochs: number) =>
    Array.from({ length: epochs }, (_, epoch) => sizeInEpoch(config, epoch, epochs));
  expect(inEpochs(6)).toEqual([96, 96, 128, 128, 160, 160]);
  expect(inEpochs(3)).toEqual(sizes);
  expect(inEpochs(2)).toEqual([96, 128]);
  expect(sizeInEpoch(fast, 0, 1)).toBe(fast.size);
});

test('refuses weight decay of adam', () => {
  const stage2 = { ...fast.stage2, weightDecay: 0.1 };
  const { error } = trainConfig.safeParse({ ...fast, stage2 });
  expect(error?.issues[0]?.message).toContain('choose the optimizer adamw');
});
