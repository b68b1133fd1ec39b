import { expect, test } from 'vitest';
import { fast } from '../config/fast.ts';
import type { StageConfig } from '../config/train-config.ts';
import { learningRate } from './learning-rate.ts';

const stage: StageConfig = {
  ...fast.stage2,
  epochs: 10,
  peakLearningRate: 1,
  finalLearningRate: 0.1,
  warmup: 0.1,
};

/** The rates of 100 steps, 10 per epoch. */
const rates = (change: Partial<StageConfig>) =>
  Array.from({ length: 100 }, (_, step) => learningRate({ ...stage, ...change }, step, 10));

function expectRates(found: readonly number[], expected: Readonly<Record<number, number>>): void {
  for (const [step, rate] of Object.entries(expected)) {
    expect(found[Number(step)], `step ${step}`).toBeCloseTo(rate, 6);
  }
}

test('rises in the warm-up, peaks after it, and decays along a cosine', () => {
  const found = rates({});
  expectRates(found, { 0: 1 / 11, 9: 10 / 11, 10: 1, 55: 0.55 });
  expect(found[99]).toBeGreaterThan(0.1);
  expect(found[99]).toBeLessThan(0.101);
});

/** The values of Keras 3.15's `CosineDecay(1, 100, alpha=0.1)`. */
test('decays as in Keras without a warm-up', () => {
  expectRates(rates({ warmup: 0 }), {
    0: 1,
    1: 0.9997779,
    10: 0.9779754,
    50: 0.55,
    99: 0.1002221,
  });
});

/** The values of PyTorch's `OneCycleLR(max_lr=1, total_steps=100, pct_start=0.3)`. */
test('follows one cycle as in PyTorch', () => {
  const config = { schedule: 'one-cycle', warmup: 0.3, finalLearningRate: 4e-6 } as const;
  expectRates(rates(config), {
    0: 0.04,
    1: 0.042813781,
    15: 0.545986676,
    29: 1,
    30: 0.999496535,
    64: 0.500002,
    99: 4e-6,
  });
});

/** The values of Keras 3.15's `InverseTimeDecay(1, decay_steps=1, decay_rate=0.05)`. */
test('decays with inverse time as in Keras', () => {
  expectRates(rates({ schedule: 'inverse-time', warmup: 0, decay: 0.05 }), {
    0: 1,
    1: 0.952381,
    10: 0.6666667,
    99: 0.1680672,
  });
});

test('stays constant after the warm-up', () => {
  const found = rates({ schedule: 'constant' });
  expect(found[9]).toBeLessThan(1);
  expect(new Set(found.slice(10))).toEqual(new Set([1]));
});

test.each([0, 0.01])(
  'one cycle of 100 steps without a rise, warm-up %d, begins at its peak',
  (warmup) => {
    const config = { schedule: 'one-cycle', warmup, finalLearningRate: 0 } as const;
    const found = rates(config);
    expect(found.every(Number.isFinite)).toBe(true);
    expectRates(found, { 0: 1, 99: 0 });
  },
);
