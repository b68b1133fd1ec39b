import { expect, test } from 'vitest';
import { quantile, separate } from './separation.ts';

test('counts what a threshold keeps and lets through', () => {
  expect(separate([1, 2, 3, 4], [0, 2, 5, 0], 2)).toEqual({
    // Of the 16 pairs, the known image wins 10, and one is a draw.
    auroc: 10.5 / 16,
    kept: 0.75,
    letThrough: 0.5,
  });
});

test.each([
  ['apart', [3, 4], [1, 2], 1],
  ['the wrong way round', [1, 2], [3, 4], 0],
  ['all equal', [1, 1, 1], [1, 1], 0.5],
])('AUROC of scores that are %s', (_, known, unknown, auroc) => {
  expect(separate(known, unknown, 0).auroc).toBe(auroc);
});

test('interpolates quantiles as NumPy does', () => {
  expect(quantile([4, 1, 3, 2], 0.05)).toBeCloseTo(1.15, 10);
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([7], 0.05)).toBe(7);
});
