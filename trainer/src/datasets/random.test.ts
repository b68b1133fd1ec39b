import { expect, test } from 'vitest';
import { createRandom, restoreRandom, shuffle } from './random.ts';

test('gives the same numbers for the same seed', () => {
  const [first, second] = [createRandom(7), createRandom(7)];
  expect(Array.from({ length: 9 }, () => first.below(1000))).toEqual(
    Array.from({ length: 9 }, () => second.below(1000)),
  );
  expect(createRandom(8).float()).not.toBe(createRandom(7).float());
});

test('goes on from a state that went through JSON', () => {
  const random = createRandom(7);
  for (let draw = 0; draw < 5; draw++) random.float();
  const restored = restoreRandom(JSON.parse(JSON.stringify(random.state())));
  expect([restored.float(), restored.below(99)]).toEqual([random.float(), random.below(99)]);
});

test('draws whole numbers below the limit, all of them', () => {
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
