import { expect, test } from 'vitest';
import { endedBy, isBetter } from './stage.ts';

const best = { epoch: 4, accuracy: 0.8, logLoss: 0.6 };

test('keeps more accurate weights, and of equal ones those with the lower loss', () => {
  expect(isBetter({ epoch: 5, accuracy: 0.81, logLoss: 9 }, best)).toBe(true);
  expect(isBetter({ epoch: 5, accuracy: 0.79, logLoss: 0.1 }, best)).toBe(false);
  expect(isBetter({ epoch: 5, accuracy: 0.8, logLoss: 0.5 }, best)).toBe(true);
  expect(isBetter({ epoch: 5, accuracy: 0.8, logLoss: 0.6 }, best)).toBe(false);
  expect(isBetter(best, null)).toBe(true);
});

test.each([
  [100, 0.77, true],
  [100, 0.75, false],
  // The standard error of 80 % on 1,600 images is 1 point.
  [1600, 0.795, true],
  [1600, 0.785, false],
])(
  'keeps the end of a cycle unless others are better beyond chance: %i images, %f',
  (images, accuracy, kept) => {
    const end = { epoch: 12, accuracy, logLoss: 9 };
    expect(isBetter(end, best, images)).toBe(kept);
  },
);

test('only the last epoch of one cycle is its end', () => {
  expect(endedBy(12, { epochs: 12, schedule: 'one-cycle' }, 100)).toBe(100);
  expect(endedBy(11, { epochs: 12, schedule: 'one-cycle' }, 100)).toBeUndefined();
  expect(endedBy(12, { epochs: 12, schedule: 'cosine' }, 100)).toBeUndefined();
});
