import { expect, test } from 'vitest';
import { mcnemar } from './mcnemar.ts';

// scipy.stats.binomtest(min(b, c), b + c, 0.5).pvalue
test.each([
  [0, 0, 1],
  [5, 5, 1],
  [1, 9, 0.021484375],
  [0, 6, 0.03125],
  [2, 12, 0.012939453125],
])('of %i and %i images is %f', (one, other, p) => {
  expect(mcnemar(one, other)).toBeCloseTo(p, 10);
  expect(mcnemar(other, one)).toBeCloseTo(p, 10);
});

test('is finite for many images', () => {
  expect(mcnemar(5000, 5000)).toBe(1);
  expect(mcnemar(4000, 6000)).toBeLessThan(1e-80);
});
