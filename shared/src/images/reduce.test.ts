import { expect, test } from 'vitest';
import { readImage } from '../../test/read-image.ts';
import type { PreprocessSpec } from '../contract/preprocess-spec.ts';
import { decodeImage } from './decode-node.ts';
import { preprocess } from './preprocess/preprocess-node.ts';
import { createPixelSink, reductionFor } from './reduce.ts';

const limits = { maxPixels: 50_000_000, maxDecodeBytes: 64 * 1024 * 1024 };

test.each([
  [447, 1000, 1],
  [895, 1000, 1],
  [896, 1000, 2],
  [4032, 3024, 6],
  [8064, 6048, 13],
  [12, 3024, 1],
])('reduces %i × %i for an input of 224 by %i', (width, height, reduction) => {
  expect(reductionFor(width, height, 224)).toBe(reduction);
});

test('averages squares over white, and cuts off incomplete ones', () => {
  const sink = createPixelSink(8, 3, 3);
  const opaque = [0, 0, 0, 255];
  const clear = [0, 0, 0, 0];
  // Two squares of three; one pixel is cut off at either end.
  const row = [clear, opaque, opaque, opaque, clear, clear, opaque, clear];
  for (let y = 0; y < 3; y++) sink.add(Uint8Array.from(row.flat()), y);
  const { width, height, data } = sink.finish();
  expect([width, height]).toEqual([2, 1]);
  expect([...data].filter((_, i) => i % 4 === 0)).toEqual([0, 170]);
});

const spec = (size: number): PreprocessSpec => ({
  fit: 'cover',
  size,
  filter: 'bicubic',
  channelOrder: 'rgb',
  arithmetic: [],
});

// For an input of 50 pixels, these images of 451 × 300 are reduced by 3, and by 2 in a JPEG.
test.each([
  'chelsea.jpg',
  'progressive.jpg',
  'chelsea.png',
  'interlaced.png',
  'chelsea.webp',
  'chelsea.gif',
])('gives nearly the same input for %s as a full decode', async (name) => {
  const file = await readImage(name);
  const reduced = await decodeImage(file, { size: 50, limits });
  const { format } = reduced;
  const full = await decodeImage(file, { size: 400, limits });
  expect(reduced.image.height).toBeLessThan(full.image.height);
  expect(full.image.height).toBe(300);
  const inputs = [reduced, full].map(({ image }) => preprocess(image, spec(50)));
  const [ofReduced, ofFull] = inputs as [Float32Array, Float32Array];
  const differences = ofFull.map((value, i) => Math.abs(value - (ofReduced[i] as number)));
  const mean = differences.reduce((sum, value) => sum + value) / differences.length;
  // Of 255. The sides of the JPEG are odd, so its reduction moves the centre by half a pixel.
  expect(mean).toBeLessThan(format === 'jpeg' ? 2.5 : 0.7);
});
