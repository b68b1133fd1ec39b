import { expect, test } from 'vitest';
import { createRandom, shuffle } from './random.ts';

test('gives the same numbers for the same seed', () => {
  const [first, second] = [createRandom(7), createRandom(7)];
  expect(Array.from({ length: 9 }, () => first.below(1000))).toEqual(
    Array.from({ length: 9 }, () => second.below(1000)),
  );
  expect(createRandom(8).float()).not.toBe(createRandom(7).float());
});

test('draws every integer below the limit', () => {
  const random = createRandom(1);
  const drawn = new Set(Array.from({ length: 200 }, () => random.below(3)));
  expect([...drawn].sort()).toEqual([0, 1, 2]);
});

test('shuffles without losing or repeating anything', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = shuffle(items, createRandom(3));
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
});
