import type { Image } from 'shared/images/image';
import { expect, test } from 'vitest';
import { KeptImages } from './kept-images.ts';

test('decodes once what there is room for, and anew what there is not', async () => {
  const kept = new KeptImages(25);
  const decoded: string[] = [];
  const read = (key: string) =>
    kept.read(key, async (): Promise<Image> => {
      decoded.push(key);
      return { width: 2, height: 2, channels: 3, data: new Uint8ClampedArray(12).fill(key.length) };
    });
  for (let epoch = 0; epoch < 3; epoch++) {
    for (const key of ['a', 'bb', 'ccc']) expect((await read(key)).data[0]).toBe(key.length);
  }
  expect(decoded).toEqual(['a', 'bb', 'ccc', 'ccc', 'ccc']);
});

test('takes room once for an image that is read twice at a time', async () => {
  const kept = new KeptImages(25);
  const image: Image = { width: 2, height: 2, channels: 3, data: new Uint8ClampedArray(12) };
  await Promise.all([kept.read('a', async () => image), kept.read('a', async () => image)]);
  await kept.read('b', async () => image);
  let again = false;
  await kept.read('b', async () => {
    again = true;
    return image;
  });
  expect(again).toBe(false);
});
