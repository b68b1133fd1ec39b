import { beforeAll, expect, test } from 'vitest';
import { openCifar10 } from './cifar.ts';
import type { ImageSet } from './dataset.ts';

let dataset: Awaited<ReturnType<typeof openCifar10>>;

beforeAll(async () => {
  dataset = await openCifar10();
});

function classCounts(set: ImageSet): number[] {
  const counts = new Array<number>(10).fill(0);
  for (let index = 0; index < set.length; index++) {
    counts[set.label(index)] = (counts[set.label(index)] ?? 0) + 1;
  }
  return counts;
}

test('has 5,000 training and 1,000 test images a class', () => {
  expect(classCounts(dataset.train)).toEqual(new Array(10).fill(5000));
  expect(classCounts(dataset.test)).toEqual(new Array(10).fill(1000));
});

// The first images of data_batch_1 and test_batch as published: a frog and a cat.
test.each([
  ['train', 'frog', [59, 62, 63, 43, 46, 45]],
  ['test', 'cat', [158, 112, 49, 159, 111, 47]],
] as const)('begins its %s set with the published %s', async (part, label, pixels) => {
  const image = await dataset[part].image(0);
  expect(image).toMatchObject({ width: 32, height: 32, channels: 3 });
  expect(image.data).toHaveLength(32 * 32 * 3);
  expect([...image.data.subarray(0, 6)]).toEqual(pixels);
  expect(dataset.labels[dataset[part].label(0)]).toBe(label);
});

test('is the data that it was when the models of this repository were trained', () => {
  expect(dataset.hash).toBe('80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660');
});

test('gives views of one array, not copies', async () => {
  const [first, second] = [await dataset.train.image(0), await dataset.train.image(1)];
  expect(first.data.buffer).toBe(second.data.buffer);
});

test('says so when an image does not exist', () => {
  expect(() => dataset.train.label(50_000)).toThrow(RangeError);
});
