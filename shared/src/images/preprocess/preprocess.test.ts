import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { PreprocessSpec } from '../../contract/preprocess-spec.ts';
import type { Image } from '../image.ts';
import { preprocess } from './preprocess-node.ts';

const identity = {
  fit: 'cover',
  size: 224,
  filter: 'bicubic',
  channelOrder: 'rgb',
  arithmetic: [],
} as const satisfies PreprocessSpec;

async function open(name: string): Promise<Image> {
  const path = fileURLToPath(new URL(`../../../fixtures/${name}.png`, import.meta.url));
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

// SHA-1 of Pillow 13.0.0's output for the same noise: larger and smaller, odd sides, and sums outside of
// 0–255.
test.each([
  [97, 61, 31, '0577d8f1389208307d8c1cea7fbf3aba08766555'],
  [20, 33, 50, 'dbca60c3500d8d150b381dd538da1a43ce2df3d7'],
  [1, 7, 3, 'ad586a53106d7ff57142beda17eb48de48de60b8'],
  [300, 200, 97, '61656f33cb069f6038b46cd98534705daee06b40'],
  [37, 37, 1, 'd2ac23afb99fdeb1fdba08af663f23a11fde3935'],
  [1200, 700, 224, '568bea7fc7c18a19c240cd6a88e1a5df562592e7'],
])('resizes noise of %i × %i to %i as Pillow does', (width, height, size, sha1) => {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, at) => Math.imul(at, at + 2654435761) >>> 24,
  );
  const resized = preprocess({ width, height, channels: 3, data }, { ...identity, size });
  expect(createHash('sha1').update(Uint8Array.from(resized)).digest('hex')).toBe(sha1);
});

test('does not change an image of the right size', async () => {
  const image = await open('coffee-224');
  expect(preprocess(image, identity)).toEqual(Float32Array.from(image.data));
});

test('ignores a fourth channel', async () => {
  const image = await open('rocket');
  const rgba = new Uint8Array((image.data.length / 3) * 4);
  for (let pixel = 0; pixel < rgba.length / 4; pixel++) {
    rgba.set(image.data.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
  }
  expect(preprocess({ ...image, channels: 4, data: rgba }, identity)).toEqual(
    preprocess(image, identity),
  );
});

const pixel: Image = { width: 1, height: 1, channels: 3, data: Uint8Array.of(10, 20, 30) };

test('computes each step in float32, with the numbers of each channel', () => {
  const spec: PreprocessSpec = {
    ...identity,
    size: 1,
    channelOrder: 'bgr',
    arithmetic: [
      { operation: 'divide', by: [255, 1, 1] },
      { operation: 'subtract', by: [0.406, 0, 0] },
      { operation: 'multiply', by: [1, 0.5, 2] },
    ],
  };
  const { fround } = Math;
  expect([...preprocess(pixel, spec)]).toEqual([fround(fround(30 / 255) - fround(0.406)), 10, 20]);
});

test('reads the form of the first cards, which is computed in float64 and rounded once', () => {
  const { arithmetic: _, ...photo } = identity;
  const spec: PreprocessSpec = {
    ...photo,
    size: 1,
    channelOrder: 'bgr',
    scale: [1, 2, 0.1],
    offset: [0.5, 0, -0.7],
  };
  expect([...preprocess(pixel, spec)]).toEqual([30.5, 40, Math.fround(10 * 0.1 - 0.7)]);
});

test('follows the spec of each image', () => {
  const inputs = [1, 4, 1].map((by) => {
    const arithmetic = [{ operation: 'multiply', by: [by, by, by] } as const];
    return preprocess(pixel, { ...identity, size: 1, arithmetic })[0];
  });
  expect(inputs).toEqual([10, 40, 10]);
});

test('writes into the given array', () => {
  const target = new Float32Array(3);
  expect(preprocess(pixel, { ...identity, size: 1 }, target)).toBe(target);
  expect([...target]).toEqual([10, 20, 30]);
});
