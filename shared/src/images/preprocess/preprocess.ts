import type { ArithmeticStep, PreprocessSpec } from '../../contract/preprocess-spec.ts';
import type { Image } from '../image.ts';
import { BAND_ROWS, type Layout, layOut, type ResizeKernel } from './resize-kernel.ts';

/**
 * Crops, resizes and scales an image.
 *
 * @param target receives the result, `size * size * 3` long; a new array by default
 * @returns `[size, size, 3]` float32, row by row
 */
export type Preprocess = (
  image: Image,
  spec: PreprocessSpec,
  target?: Float32Array,
) => Float32Array;

/**
 * Prepares the function that crops, resizes and scales an image.
 *
 * The resize equals Pillow's `Image.resize(..., Image.BICUBIC)` bit for bit: two passes with
 * 22-bit fixed-point weights, each rounded to 8 bits (Pillow, `src/libImaging/Resample.c`). An
 * image passes through the kernel's memory in bands, so that it takes a few megabytes only.
 */
export function createPreprocess(kernel: ResizeKernel): Preprocess {
  let last: Layout | undefined;
  let lastSpec: PreprocessSpec | undefined;
  return (image, spec, target = new Float32Array(spec.size * spec.size * 3)) => {
    const { width, height, channels, data } = image;
    const { size } = spec;
    if (data.length !== width * height * channels) {
      throw new Error(`${width} × ${height} × ${channels} values expected, not ${data.length}.`);
    }
    const side = Math.min(width, height);
    // A training run and most Workers resize between two fixed sizes.
    if (last?.side !== side || last.size !== size) {
      last = layOut(kernel, side, size);
      lastSpec = undefined;
    }
    const { at, band, pairs, stride } = last;
    last.picks.set(picksOf(channels, spec));
    if (lastSpec !== spec) {
      for (const [channel, table] of last.tables.entries()) fillTable(table, spec, channel);
      lastSpec = spec;
    }

    const rowBytes = side * channels;
    const left = Math.floor((width - side) / 2);
    const top = Math.floor((height - side) / 2);
    for (let begin = 0; begin < side; begin += BAND_ROWS) {
      const rowCount = Math.min(BAND_ROWS, side - begin);
      for (let y = 0; y < rowCount; y++) {
        const from = ((top + begin + y) * width + left) * channels;
        band.set(data.subarray(from, from + rowBytes), y * rowBytes);
      }
      kernel.resizeRows(
        at.band,
        rowBytes,
        channels,
        at.picks,
        rowCount,
        at.firsts,
        at.weights,
        pairs,
        size,
        at.rows + begin * stride,
        stride,
      );
    }
    kernel.resizeColumns(
      at.rows,
      stride,
      at.firsts,
      at.weights,
      pairs,
      at.tables,
      at.samples,
      size,
      at.target,
    );
    target.set(last.target);
    return target;
  };
}

/** Positions of the network's channels in two neighbouring pixels, as 16-bit lanes. */
function picksOf(channels: number, { channelOrder }: PreprocessSpec): number[] {
  const order = channelOrder === 'rgb' ? [0, 1, 2] : [2, 1, 0];
  const nothing = 255;
  const lanes = order.flatMap((channel) => [channel, nothing, channels + channel, nothing]);
  return [...lanes, nothing, nothing, nothing, nothing];
}

/** Writes the network's input for each of the 256 samples of a channel. */
function fillTable(table: Float32Array, spec: PreprocessSpec, channel: number): void {
  for (let sample = 0; sample < table.length; sample++) {
    table[sample] =
      'arithmetic' in spec
        ? spec.arithmetic.reduce((value, step) => compute(value, step, channel), sample)
        : sample * (spec.scale[channel] as number) + (spec.offset[channel] as number);
  }
}

function compute(value: number, { operation, by }: ArithmeticStep, channel: number): number {
  const operand = Math.fround(by[channel] as number);
  switch (operation) {
    case 'multiply':
      return Math.fround(value * operand);
    case 'divide':
      return Math.fround(value / operand);
    case 'subtract':
      return Math.fround(value - operand);
  }
}
