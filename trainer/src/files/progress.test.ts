import { expect, test } from 'vitest';
import { formatPercent, formatSeconds } from './progress.ts';

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.5, '1 min 0 s'],
  [75, '1 min 15 s'],
  [3725, '62 min 5 s'],
])('writes %d seconds as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([
  [0, '0.00 %'],
  [0.8712, '87.12 %'],
  [0.99996, '100.00 %'],
  [1, '100.00 %'],
])('writes %d as %s', (fraction, text) => {
  expect(formatPercent(fraction)).toBe(text);
});
