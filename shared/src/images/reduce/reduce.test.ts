import { expect, test } from 'vitest';
import { readImage } from '../../../test/read-image.ts';
import type { PreprocessSpec } from '../../contract/preprocess-spec.ts';
import { decodeImage, decoderPrograms } from '../decode-node.ts';
import { preprocess } from '../preprocess/preprocess-node.ts';
import { createPixelSink } from './pixel-sink.ts';
import { reductionFor } from './reduction.ts';

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

test('averages squares over white, and cuts off incomplete ones', async () => {
  const sink = await createPixelSink(decoderPrograms, 8, 3, 3);
  const opaque = [0, 0, 0, 255];
  const clear = [0, 0, 0, 0];
  // Two squares of three; one pixel is cut off at either end.
  const row = [clear, opaque, opaque, opaque, clear, clear, opaque, clear];
  for (let y = 0; y < 3; y++) sink.add(Uint8Array.from(row.flat()), y);
  const { width, height, data } = sink.finish();
  expect([width, height]).toEqual([2, 1]);
  expect([...data].filter((_, i) => i % 4 === 0)).toEqual([0, 170]);
  // The alphas.
  expect([...data].filter((_, i) => i % 4 === 3)).toEqual([255, 85]);
});

/** Any bytes, the same in each run. */
function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 2654435761) >>> 23);
}

/** The average of a square over white, without SIMD. */
function averageOf(rgba: Uint8Array, width: number, square: Square, channel: number): number {
  let sum = 0;
  for (let y = square.y; y < square.y + square.side; y++) {
    for (let x = square.x; x < square.x + square.side; x++) {
      const at = (y * width + x) * 4;
      const alpha = rgba[at + 3] as number;
      sum += (rgba[at + channel] as number) * alpha + 255 * (255 - alpha);
    }
  }
  return Math.round(sum / 255 / square.side ** 2);
}

interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

test.each([
  { reduction: 1, step: 1 },
  { reduction: 1, step: 2 },
  { reduction: 2, step: 1 },
  { reduction: 3, step: 2 },
  { reduction: 5, step: 8 },
  { reduction: 7, step: 1 },
  { reduction: 11, step: 4 },
])('adds rows from any place: squares of $reduction, every $step th pixel', async (fields) => {
  const { reduction, step } = fields;
  const [width, height] = [47, 23];
  const rgba = noise(width * height * 4);
  // One half is opaque, as nearly all images are.
  for (let at = 3; at < rgba.length / 2; at += 4) rgba[at] = 255;
  const sink = await createPixelSink(decoderPrograms, width, height, reduction);
  for (let y = height - 1; y >= 0; y--) {
    for (let first = 0; first < step; first++) {
      const row: number[] = [];
      for (let x = first; x < width; x += step) {
        row.push(...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4));
      }
      sink.add(Uint8Array.from(row), y, first, step);
    }
  }
  const image = sink.finish();
  const left = (width - image.width * reduction) >> 1;
  const top = (height - image.height * reduction) >> 1;
  const expected = Array.from({ length: image.width * image.height * 3 }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const x = left + (pixel % image.width) * reduction;
    const y = top + Math.floor(pixel / image.width) * reduction;
    return averageOf(rgba, width, { x, y, side: reduction }, channel);
  });
  expect([...image.data].filter((_, i) => i % 4 < 3)).toEqual(expected);
});

test('holds the sum of the largest square', async () => {
  const sink = await createPixelSink(decoderPrograms, 256, 256, 256);
  const white = new Uint8Array(256 * 4).fill(255);
  for (let y = 0; y < 256; y++) sink.add(white, y);
  expect([...sink.finish().data.subarray(0, 3)]).toEqual([255, 255, 255]);
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

test('adds nothing to what the image before had', async () => {
  const greyOf = async (level: number): Promise<number[]> => {
    const sink = await createPixelSink(decoderPrograms, 2, 2, 2);
    for (const y of [0, 1]) sink.add(new Uint8Array(8).fill(level).fill(255, 3, 4).fill(255, 7), y);
    return [...sink.finish().data.slice(0, 4)];
  };
  expect(await greyOf(200)).toEqual([200, 200, 200, 255]);
  expect(await greyOf(7)).toEqual([7, 7, 7, 255]);
});
