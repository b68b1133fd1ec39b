import { expect, test } from 'vitest';
import type { Dataset, ImageSet } from './dataset.ts';
import { splitDataset, subset } from './split.ts';

/** A set with the given labels whose images nobody asks for. */
function setOf(labels: readonly number[]): ImageSet {
  return {
    length: labels.length,
    image: () => ({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) }),
    label: (index) => labels[index] as number,
  };
}

const countLabel = (indices: readonly number[], set: ImageSet, label: number): number =>
  indices.filter((index) => set.label(index) === label).length;

// 60 of class 0, 30 of class 1, 10 of class 2.
const set = setOf(
  Array.from({ length: 100 }, (_, index) => [0, 0, 1, 0, 0, 1, 0, 0, 1, 2][index % 10] as number),
);

const settings = { split: 'stratified', validation: 0.2, test: 0.1, limit: null, seed: 1 } as const;

function datasetOf(parts: Partial<Dataset> = {}): Dataset {
  const about = { id: 'a', title: 'A', labels: ['x', 'y', 'z'], hash: '', licence: '' };
  return { ...about, train: set, validation: null, test: null, ...parts };
}

test('splits into three parts that share nothing and leave nothing', () => {
  const { train, validation, test: last } = splitDataset(datasetOf(), settings);
  expect(last.indices).toHaveLength(10);
  // A fifth of the 90 that are left.
  expect(validation.indices).toHaveLength(18);
  const all = [train, validation, last].flatMap(({ indices }) => indices);
  expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

test('slices the images to train on in order, as the tutorial does', () => {
  const slices = splitDataset(datasetOf({ test: setOf([0]) }), {
    ...settings,
    split: 'in-order',
    test: 0.1,
    validation: 0.15,
  });
  const spans = [slices.test, slices.validation, slices.train].map(({ set: of, indices }) => {
    expect(of).toBe(set);
    return [indices[0], indices.at(-1), indices.length];
  });
  expect(spans).toEqual([
    [0, 9, 10],
    [10, 24, 15],
    [25, 99, 75],
  ]);
});

test('does not slice images that come class by class', () => {
  const folder = datasetOf({ train: setOf([0, 0, 0, 1, 1, 1]), test: setOf([0, 1]) });
  expect(() => splitDataset(folder, { ...settings, split: 'in-order' })).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message:
        'Expected images in mixed order for --split in-order, but those of A are sorted by class, so only the first classes would be tested: pass --split stratified.',
    }),
  );
});

test('takes the parts that the data set has of its own whole', () => {
  const own = setOf([0, 1, 2]);
  const splits = splitDataset(datasetOf({ test: own }), settings);
  expect(splits.test).toEqual({ set: own, indices: [0, 1, 2] });
  expect(splits.validation.indices).toHaveLength(20);
  expect(splits.train.indices).toHaveLength(80);
  const both = splitDataset(datasetOf({ validation: own, test: own }), settings);
  expect(both.validation).toEqual({ set: own, indices: [0, 1, 2] });
  expect(both.train.indices).toHaveLength(100);
});

test('gives every class its share', () => {
  const { validation } = splitDataset(datasetOf({ test: set }), settings);
  expect([0, 1, 2].map((label) => countLabel(validation.indices, set, label))).toEqual([12, 6, 2]);
});

test('depends on the seed and on nothing else', () => {
  const split = splitDataset(datasetOf(), settings);
  expect(splitDataset(datasetOf(), settings)).toEqual(split);
  expect(splitDataset(datasetOf(), { ...settings, seed: 2 })).not.toEqual(split);
});

test('has an image of each class in each part, however few there are', () => {
  const few = setOf([...Array(300).fill(0), ...Array(6).fill(1), ...Array(3).fill(2)]);
  const countsOf = (parts: Partial<Dataset>, test: number) => {
    const splits = splitDataset(datasetOf({ train: few, ...parts }), { ...settings, test });
    return [splits.train, splits.validation, splits.test].map(({ indices }) =>
      [0, 1, 2].map((label) => countLabel(indices, few, label)),
    );
  };
  const [train, validation, last] = countsOf({}, 0.01);
  expect([train, validation, last]).toEqual([
    [237, 4, 1],
    [60, 1, 1],
    [3, 1, 1],
  ]);
  // However large their shares are, one is left to train on.
  expect(countsOf({}, 0.49).map(([, , scarce]) => scarce)).toEqual([1, 1, 1]);
  expect(countsOf({ validation: set }, 0.49)[0]?.[2]).toBe(2);
});

test('keeps copies of an image in one part', () => {
  // Each image twice, the second time in another class or at the end.
  const copied: ImageSet = {
    ...setOf(Array.from({ length: 120 }, (_, index) => (index < 40 ? 0 : 1))),
    group: (index) => `${index % 60}`,
  };
  const splits = splitDataset(datasetOf({ train: copied }), settings);
  const parts = [splits.train, splits.validation, splits.test];
  const hashes = parts.map(({ indices }) => new Set(indices.map((index) => index % 60)));
  expect(parts.map(({ indices }) => indices.length)).toEqual([86, 22, 12]);
  expect(hashes.map(({ size }) => size)).toEqual([43, 11, 6]);
  expect(new Set(hashes.flatMap((of) => [...of])).size).toBe(60);
});

test('trains on a group of copies that is a large part of its class', () => {
  // Ten photos of a film in a class of thirty.
  const filmed: ImageSet = {
    ...setOf(Array.from({ length: 60 }, (_, index) => index % 2)),
    group: (index) => (index % 2 === 0 && index < 20 ? 'film' : `${index}`),
  };
  for (let seed = 0; seed < 20; seed++) {
    const { train } = splitDataset(datasetOf({ train: filmed }), { ...settings, seed });
    expect(train.indices.filter((index) => index % 2 === 0 && index < 20)).toHaveLength(10);
  }
});

test('keeps to a limit, and to a fifth of it for the other parts', () => {
  const splits = splitDataset(datasetOf(), { ...settings, limit: 20 });
  const lengths = [splits.train, splits.validation, splits.test].map(
    ({ indices }) => indices.length,
  );
  expect(lengths).toEqual([20, 4, 4]);
});

test('draws a subset with each class in its share, whole numbers by largest remainder', () => {
  const all = Array.from({ length: 100 }, (_, index) => index);
  const few = subset(all, set, { count: 7, seed: 1 });
  // 4.2, 2.1 and 0.7: the last has the largest remainder.
  expect([0, 1, 2].map((label) => countLabel(few, set, label))).toEqual([4, 2, 1]);
  expect(subset(all, set, { count: 1000, seed: 1 })).toEqual(all);
});

test('draws any of many classes, where there are fewer images than these', () => {
  const many = setOf(Array.from({ length: 200 }, (_, index) => Math.floor(index / 4)));
  const all = Array.from({ length: 200 }, (_, index) => index);
  const drawn = new Set<number>();
  for (let seed = 1; seed <= 20; seed++) {
    const few = subset(all, many, { count: 25, seed });
    expect(new Set(few.map((index) => many.label(index))).size).toBe(25);
    for (const index of few) drawn.add(many.label(index));
  }
  expect(drawn.size).toBe(50);
});
