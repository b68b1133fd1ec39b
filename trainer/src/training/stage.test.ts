import { expect, test } from 'vitest';
import { endedBy, isBetter, shouldStop } from './stage.ts';

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

test('one mistake among few images is no more than chance', () => {
  const all = { ...best, accuracy: 1 };
  expect(isBetter({ ...all, accuracy: 0.96 }, all, 25)).toBe(true);
  expect(isBetter({ ...all, accuracy: 0.92 }, all, 25)).toBe(false);
});

test('only the last epoch of one cycle is its end', () => {
  expect(endedBy(12, { epochs: 12, schedule: 'one-cycle' }, 100)).toBe(100);
  expect(endedBy(11, { epochs: 12, schedule: 'one-cycle' }, 100)).toBeUndefined();
  expect(endedBy(12, { epochs: 12, schedule: 'cosine' }, 100)).toBeUndefined();
});

test('stops after as many epochs without improvement as the recipe has patience', () => {
  const config = { patience: 3, epochs: 12 };
  expect(shouldStop({ config }, { epoch: 6, best }, 0.1)).toBe(false);
  expect(shouldStop({ config }, { epoch: 7, best }, 0.1)).toBe(true);
});

// The standard error of 80 % on 400 images is 2 points.
test.each([
  [6, 0.75, true],
  [6, 0.77, false],
  [5, 0.1, false],
])('may fail from its middle on: after epoch %i with %f', (epoch, accuracy, stops) => {
  const stage = { config: { patience: 0, epochs: 12 }, validationImages: 400 };
  const before = { ...best, epoch: 0 };
  expect(shouldStop({ ...stage, mayFail: true }, { epoch, best: before }, accuracy)).toBe(stops);
  expect(shouldStop(stage, { epoch, best: before }, accuracy)).toBe(false);
  expect(shouldStop({ ...stage, mayFail: true }, { epoch, best }, accuracy)).toBe(false);
});
