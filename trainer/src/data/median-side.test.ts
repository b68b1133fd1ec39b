import type { Image } from 'shared/images/image';
import { expect, test } from 'vitest';
import { medianSide } from './median-side.ts';

const image = (width: number, height: number): Image => ({
  width,
  height,
  channels: 3,
  data: new Uint8Array(width * height * 3),
});

test('takes the median of the shorter sides of its own images', async () => {
  const images = [image(9, 1), image(40, 30), image(20, 300), image(25, 28), image(1, 1)];
  const set = { length: 5, image: (at: number) => images[at] as Image, label: () => 0 };
  expect(await medianSide({ set, indices: [1, 2, 3] })).toBe(25);
});

test('reads a hundred of many images, from all of the part', async () => {
  const read: number[] = [];
  const set = {
    length: 1000,
    image: (at: number) => {
      read.push(at);
      return image(at + 1, 2000);
    },
    label: () => 0,
  };
  expect(await medianSide({ set, indices: [...Array(1000).keys()] })).toBe(501);
  expect(read).toHaveLength(100);
});
