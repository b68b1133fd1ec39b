import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { type Picture, type PreprocessSpec, preprocess } from './preprocess.ts';

const identity: PreprocessSpec = {
  fit: 'cover',
  size: 224,
  filter: 'bicubic',
  channelOrder: 'rgb',
  scale: [1, 1, 1],
  offset: [0, 0, 0],
};

async function open(name: string): Promise<Picture> {
  const path = fileURLToPath(new URL(`../fixtures/${name}.png`, import.meta.url));
  const { data, info } = await sharp(path)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, data };
}

test.each(['chelsea', 'coffee', 'rocket'])('resizes %s exactly as Pillow does', async (name) => {
  const expected = await open(`${name}-224`);
  expect(preprocess(await open(name), identity)).toEqual(Float32Array.from(expected.data));
});

test('leaves a picture of the right size as it is', async () => {
  const picture = await open('coffee-224');
  expect(preprocess(picture, identity)).toEqual(Float32Array.from(picture.data));
});

test('ignores a fourth channel', async () => {
  const picture = await open('rocket');
  const rgba = new Uint8Array((picture.data.length / 3) * 4);
  for (let pixel = 0; pixel < rgba.length / 4; pixel++) {
    rgba.set(picture.data.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  }
  expect(preprocess({ ...picture, channels: 4, data: rgba }, identity)).toEqual(
    preprocess(picture, identity),
  );
});

test('scales, offsets and orders each channel', () => {
  const pixel: Picture = { width: 1, height: 1, channels: 3, data: Uint8Array.of(10, 20, 30) };
  const spec: PreprocessSpec = {
    ...identity,
    size: 1,
    channelOrder: 'bgr',
    scale: [1, 2, 3],
    offset: [0.5, 0, -1],
  };
  expect([...preprocess(pixel, spec)]).toEqual([30.5, 40, 29]);
});

test('writes into the given array', () => {
  const pixel: Picture = { width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) };
  const target = new Float32Array(3);
  expect(preprocess(pixel, { ...identity, size: 1 }, target)).toBe(target);
  expect([...target]).toEqual([1, 2, 3]);
});
