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
  const side = Math.min(picture.width, picture.height);
  const taps = bicubicTaps(side, spec.size);
  return resizeColumns(resizeRows(picture, side, taps), taps, spec, target);
}

/** The horizontal pass over the centred square: `[side, side]` to `[side, size, 3]`, 8 bits. */
function resizeRows(picture: Picture, side: number, taps: Taps): Uint8Array {
  const { data, channels, width, height } = picture;
  const { first, count, weights } = taps;
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  const size = first.length;
  const rows = new Uint8Array(side * size * 3);
  let out = 0;
  for (let y = top; y < top + side; y++) {
    const row = (y * width + left) * channels;
    for (let x = 0; x < size; x++) {
      let at = row + (first[x] as number) * channels;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      const end = x * taps.width + (count[x] as number);
      for (let tap = x * taps.width; tap < end; tap++) {
        const weight = weights[tap] as number;
        // `| 0` keeps the sums in integer registers; they do not overflow.
        red = (red + Math.imul(data[at] as number, weight)) | 0;
        green = (green + Math.imul(data[at + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2] as number, weight)) | 0;
        at += channels;
      }
      rows[out] = clip8(red);
      rows[out + 1] = clip8(green);
      rows[out + 2] = clip8(blue);
      out += 3;
    }
  }
  return rows;
}

/** The vertical pass, `[side, size, 3]` to `[size, size, 3]`, and the scaling of each channel. */
function resizeColumns(
  rows: Uint8Array,
  { first, count, weights, width }: Taps,
  { size, channelOrder, scale, offset }: PreprocessSpec,
  target: Float32Array,
): Float32Array {
  const rowLength = size * 3;
  // Where red and blue go in the network's input; green is in the middle of both orders.
  const [redAt, blueAt] = channelOrder === 'rgb' ? ([0, 2] as const) : ([2, 0] as const);
  // A sample has 256 values only, so each channel's scaling is a look-up.
  const reds = inputValues(scale[redAt], offset[redAt]);
  const greens = inputValues(scale[1], offset[1]);
  const blues = inputValues(scale[blueAt], offset[blueAt]);
  let out = 0;
  for (let y = 0; y < size; y++) {
    const firstRow = (first[y] as number) * rowLength;
    const end = y * width + (count[y] as number);
    for (let x = 0; x < rowLength; x += 3) {
      let at = firstRow + x;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let tap = y * width; tap < end; tap++) {
        const weight = weights[tap] as number;
        red = (red + Math.imul(rows[at] as number, weight)) | 0;
        green = (green + Math.imul(rows[at + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(rows[at + 2] as number, weight)) | 0;
        at += rowLength;
      }
      target[out + redAt] = reds[clip8(red)] as number;
      target[out + 1] = greens[clip8(green)] as number;
      target[out + blueAt] = blues[clip8(blue)] as number;
      out += 3;
    }
  }
  return target;
}

/** What each of a sample's 256 values is to the network. */
function inputValues(scale: number, offset: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, pixel) => pixel * scale + offset);
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
