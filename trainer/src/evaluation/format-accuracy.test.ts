import { expect, test } from 'vitest';
import { formatAccuracy, wilsonInterval } from './format-accuracy.ts';

/** The values of SciPy 1.17's `binomtest(…).proportion_ci(method='wilson')`. */
test.each([
  [5, 10, 0.23659, 0.76341],
  [0, 10, 0, 0.27753],
  [4, 4, 0.51011, 1],
  [950, 1000, 0.93469, 0.96187],
])('%i of %i is between %d and %d', (right, count, low, high) => {
  const [from, to] = wilsonInterval(right / count, count);
  expect(from).toBeCloseTo(low, 4);
  expect(to).toBeCloseTo(high, 4);
});

test('prints the confidence interval only where images are few', () => {
  expect(formatAccuracy({ top1: 0.5, images: 4 })).toBe(
    '50.00 % (95 % confidence interval 15 to 85 %)',
  );
  expect(formatAccuracy({ top1: 0.9494, images: 10_000 })).toBe('94.94 %');
});
