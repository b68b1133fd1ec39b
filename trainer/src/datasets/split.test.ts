import { expect, test } from 'vitest';
import type { PictureSet } from './dataset.ts';
import { splitStratified, subset } from './split.ts';

/** A set with the given labels whose pictures nobody asks for. */
function setOf(labels: readonly number[]): PictureSet {
  return {
    length: labels.length,
    picture: () => ({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) }),
    label: (index) => labels[index] as number,
  };
}

const countLabel = (indices: readonly number[], set: PictureSet, label: number): number =>
  indices.filter((index) => set.label(index) === label).length;

// 60 of class 0, 30 of class 1, 10 of class 2.
const set = setOf(
  Array.from({ length: 100 }, (_, index) => [0, 0, 1, 0, 0, 1, 0, 0, 1, 2][index % 10] as number),
);

test('splits into two parts that share nothing and leave nothing', () => {
  const { train, validation } = splitStratified(set, { validation: 20, seed: 1 });
  expect(validation).toHaveLength(20);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, index) => index),
  );
});

test('gives every class its share', () => {
  const { validation } = splitStratified(set, { validation: 20, seed: 1 });
  expect([0, 1, 2].map((label) => countLabel(validation, set, label))).toEqual([12, 6, 2]);
});

test('rounds shares so that the total is right', () => {
  const { validation } = splitStratified(set, { validation: 7, seed: 1 });
  // 4.2, 2.1 and 0.7: the last has the largest remainder.
  expect([0, 1, 2].map((label) => countLabel(validation, set, label))).toEqual([4, 2, 1]);
});

test('depends on the seed and on nothing else', () => {
  const split = splitStratified(set, { validation: 20, seed: 1 });
  expect(splitStratified(set, { validation: 20, seed: 1 })).toEqual(split);
  expect(splitStratified(set, { validation: 20, seed: 2 })).not.toEqual(split);
});

test.each([0, 100, 1.5])('refuses to set %d of 100 pictures aside', (validation) => {
  expect(() => splitStratified(set, { validation, seed: 1 })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
});

test('limits a part, evenly by class, to a subset of it', () => {
  const { train } = splitStratified(set, { validation: 20, seed: 1 });
  const few = subset(train, set, { count: 10, seed: 1 });
  expect(few).toHaveLength(10);
  expect(train).toEqual(expect.arrayContaining(few));
  expect([0, 1, 2].map((label) => countLabel(few, set, label))).toEqual([6, 3, 1]);
  expect(subset(train, set, { count: 1000, seed: 1 })).toEqual(train);
});
