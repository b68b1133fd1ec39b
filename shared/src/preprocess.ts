import * as z from 'zod';

/** A decoded picture: interleaved 8-bit samples, row by row, `width * height * channels` of them. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 3 is RGB. 4 is RGBA with the picture already flattened: the fourth sample is ignored. */
  readonly channels: 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

const perChannel = z.tuple([z.number(), z.number(), z.number()]).readonly();

/**
 * How a picture becomes a network's input. It is recorded in the model card, so that serving
 * does exactly what training did.
 */
export const preprocessSpec = z
  .strictObject({
    /** `cover`: the largest centred square of the picture, resized. */
    fit: z.literal('cover'),
    /** Side of the square input, in pixels. */
    size: z.int().min(1).max(4096),
    /** Antialiased when it shrinks, as in Pillow's `Image.resize`. */
    filter: z.literal('bicubic'),
    channelOrder: z.enum(['rgb', 'bgr']),
    /** `input = pixel * scale + offset`, pixel 0–255; one number a channel, in channel order. */
    scale: perChannel,
    offset: perChannel,
  })
  .readonly();

export type PreprocessSpec = z.infer<typeof preprocessSpec>;

/**
 * Crops, resizes and scales a picture.
 *
 * The resize equals Pillow's `Image.resize(..., Image.BICUBIC)` bit for bit: two passes with
 * 22-bit fixed-point coefficients, each rounded to 8 bits (Pillow, `src/libImaging/Resample.c`).
 *
 * @param target where to write, `size * size * 3` long; a new array when left out
 * @returns `[size, size, 3]` float32, row by row
 */
export function preprocess(
  picture: Picture,
  spec: PreprocessSpec,
  target: Float32Array = new Float32Array(spec.size * spec.size * 3),
): Float32Array {
  const { size, scale, offset } = spec;
  const side = Math.min(picture.width, picture.height);
  const left = Math.floor((picture.width - side) / 2);
  const top = Math.floor((picture.height - side) / 2);
  const taps = bicubicTaps(side, size);
  const columns = resizeRows(picture, left, top, side, taps);
  const rowLength = size * 3;
  // A plane's number in the picture, by its place in the network's input.
  const sources = spec.channelOrder === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  for (let plane = 0; plane < 3; plane++) {
    const source = sources[plane] as number;
    const planeScale = scale[plane] as number;
    const planeOffset = offset[plane] as number;
    for (let y = 0; y < size; y++) {
      const first = taps.first[y] as number;
      const count = taps.count[y] as number;
      const weightsAt = y * taps.width;
      for (let x = 0; x < size; x++) {
        let sum = HALF;
        let at = first * rowLength + x * 3 + source;
        for (let tap = 0; tap < count; tap++) {
          sum += Math.imul(columns[at] as number, taps.weights[weightsAt + tap] as number);
          at += rowLength;
        }
        target[y * rowLength + x * 3 + plane] = clip8(sum) * planeScale + planeOffset;
      }
    }
  }
  return target;
}

/** The horizontal pass: `[side, side]` of the picture to `[side, size, 3]`, 8 bits. */
function resizeRows(
  picture: Picture,
  left: number,
  top: number,
  side: number,
  taps: Taps,
): Uint8Array {
  const { data, channels, width } = picture;
  const size = taps.first.length;
  const rows = new Uint8Array(side * size * 3);
  let out = 0;
  for (let y = 0; y < side; y++) {
    const row = ((y + top) * width + left) * channels;
    for (let x = 0; x < size; x++) {
      const count = taps.count[x] as number;
      const weightsAt = x * taps.width;
      let at = row + (taps.first[x] as number) * channels;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let tap = 0; tap < count; tap++) {
        const weight = taps.weights[weightsAt + tap] as number;
        red += Math.imul(data[at] as number, weight);
        green += Math.imul(data[at + 1] as number, weight);
        blue += Math.imul(data[at + 2] as number, weight);
        at += channels;
      }
      rows[out++] = clip8(red);
      rows[out++] = clip8(green);
      rows[out++] = clip8(blue);
    }
  }
  return rows;
}

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

function clip8(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : Math.min(value, 255);
}

/** For each output position, the first input position, how many, and their fixed-point weights. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  /** Row length of `weights`. */
  readonly width: number;
}

let lastTaps: { readonly key: string; readonly taps: Taps } | undefined;

/** Remembers the last answer: a training run and most Workers resize between two fixed sizes. */
function bicubicTaps(from: number, to: number): Taps {
  const key = `${from}:${to}`;
  if (lastTaps?.key !== key) lastTaps = { key, taps: computeBicubicTaps(from, to) };
  return lastTaps.taps;
}

function computeBicubicTaps(from: number, to: number): Taps {
  const scale = from / to;
  // Shrinking stretches the filter over all the pixels that one output pixel stands for.
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * width);
  const row = new Float64Array(width);
  for (let out = 0; out < to; out++) {
    const center = (out + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let total = 0;
    for (let at = start; at < end; at++) {
      const weight = bicubic((at - center + 0.5) / filterScale);
      row[at - start] = weight;
      total += weight;
    }
    first[out] = start;
    count[out] = end - start;
    for (let tap = 0; tap < end - start; tap++) {
      const weight = ((row[tap] as number) / total) * (1 << PRECISION_BITS);
      weights[out * width + tap] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return { first, count, weights, width };
}

/** Keys' cubic convolution with a = −0.5 (Keys 1981), as Pillow has it. */
function bicubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}
