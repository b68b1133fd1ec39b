import { expect, test } from 'vitest';
import { describeConfusions } from './describe-confusions.ts';

const labels = ['cat', 'dog', 'ship'];

test('names the confusions that cost most, and what helps against each', () => {
  const confusion = [
    [80, 15, 5],
    [9, 90, 1],
    [0, 0, 50],
  ];
  expect(describeConfusions({ confusion }, labels, 3)).toEqual([
    'cat predicted as dog, 15 of 100: the two look alike to it: add photos that show the difference, or make them one class.',
    'dog predicted as cat, 9 of 100: the two look alike to it: add photos that show the difference, or make them one class.',
    'cat predicted as ship, 5 of 100: add photos of cat that could be ship, and look for wrong labels in ship.',
  ]);
  expect(describeConfusions({ confusion }, labels, 1)).toHaveLength(1);
});

test('has nothing to say of a model that is never wrong', () => {
  const confusion = [
    [3, 0, 0],
    [0, 2, 0],
    [0, 0, 0],
  ];
  expect(describeConfusions({ confusion }, labels, 3)).toEqual([]);
});
