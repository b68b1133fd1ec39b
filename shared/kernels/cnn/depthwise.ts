// AssemblyScript: a depthwise convolution in relaxed WebAssembly SIMD, four channels at a time.
//
// A band of rows is copied into planes of eight channels each, with their padding: so the sums know
// no borders, and what they read lies close together. Copying takes one load and one store an
// input value, against 9 or 25 multiplications an output value. Sixteen channels are copied at a
// time, since they share a cache line.
import { DepthwiseConvolution } from './tiles/arguments';
import {
  line3By1,
  line3By2,
  line5By1,
  line5By2,
  lineStride,
  outPixels,
  pixelStride,
  setLines,
  TILE,
  weightBytes,
} from './tiles/depthwise-lines';

/** Channels that are worked on at a time, in planes of eight. */
export const GROUP: i32 = 16;
export const PLANES: i32 = 2;

/**
 * Layout is NHWC, float32; one output a channel. The filter is 3 or 5 wide and moves 1 or 2
 * pixels to the right. `filter` is `[filterHeight, filterWidth, channels]`, and `bias` is `[channels]`, or 0
 * for none.
 *
 * @returns whether the `workBytes` to work in were enough; else nothing was computed
 */
export function convolveDepthwise(c: DepthwiseConvolution): bool {
  const width = c.width;
  const height = c.height;
  const channels = c.channels;
  const outHeight = c.outHeight;
  const pixelBytes = (<usize>channels) << 2;
  const columns = columnsOf(c);
  const lineBytes = (<usize>columns) << 5;
  const weights = c.work;
  const planes = weights + weightBytesOf(c);
  const bandRows = bandRowsIn(c, planes, lineBytes);
  if (bandRows === 0) return false;
  const planeBytes = linesUnder(c, bandRows) * lineBytes;
  prepareLines(c, lineBytes);
  // Where the padding is in the planes stays the same, but for the rows above and below of a band.
  const left = (<usize>c.padLeft) << 5;
  const inside = min(width, columns - c.padLeft);
  clear(planes, planeBytes * PLANES);
  const isWhole = bandRows === outHeight;
  let x = c.x;
  let out = c.out;
  for (let b = 0; b < c.batch; b++) {
    for (let channel = 0; channel < channels; channel += GROUP) {
      const skip = (<usize>channel) << 2;
      const groupChannels = min(GROUP, channels - channel);
      gatherWeights(c, channel, groupChannels, weights);
      for (let outY = 0; outY < outHeight; outY += bandRows) {
        const rows = min(bandRows, outHeight - outY);
        const top = outY * c.strideY - c.padTop;
        const bottom = top + <i32>linesUnder(c, rows);
        let line = planes;
        for (let y = top; y < bottom; y++) {
          const from = x + skip + <usize>(y * width) * pixelBytes;
          if (y >= 0 && y < height)
            gatherLine(from, pixelBytes, inside, groupChannels, line + left, planeBytes);
          else if (!isWhole)
            for (let plane = 0; plane < PLANES; plane++)
              clear(line + planeBytes * plane, lineBytes);
          line += lineBytes;
        }
        const to = out + skip + <usize>(outY * c.outWidth) * pixelBytes;
        computeRows(c, planes, planeBytes, rows, groupChannels, weights, to);
      }
    }
    x += <usize>(height * width) * pixelBytes;
    out += <usize>(outHeight * c.outWidth) * pixelBytes;
  }
  return true;
}

/** Of a line, so that the last tile has its input too. */
export function columnsOf(c: DepthwiseConvolution): i32 {
  return (((c.outWidth + TILE - 1) / TILE) * TILE - 1) * c.strideX + c.filterWidth;
}

/** What `gatherWeights` makes of a group's takes as much. */
export function weightBytesOf(c: DepthwiseConvolution): usize {
  return ((<usize>(1 + c.filterHeight * c.filterWidth)) << 4) * (GROUP >> 2);
}

/** The output rows whose input fits into the rest of the memory, in all planes; 0 if not even one's does. */
export function bandRowsIn(c: DepthwiseConvolution, planes: usize, lineBytes: usize): i32 {
  const bytes = c.workBytes - <i32>(planes - c.work);
  const lines = bytes / (<i32>lineBytes * PLANES);
  if (lines < c.filterHeight) return 0;
  return min((lines - c.filterHeight) / c.strideY + 1, c.outHeight);
}

/** Lines of the input that lie under the filter for so many output rows. */
export function linesUnder(c: DepthwiseConvolution, rows: i32): usize {
  return <usize>((rows - 1) * c.strideY + c.filterHeight);
}

/** Sets what is the same for all lines that are computed next. */
export function prepareLines(c: DepthwiseConvolution, lineBytes: usize): void {
  const taps = c.filterHeight * c.filterWidth;
  setLines(lineBytes, taps, c.outWidth, (<usize>c.channels) << 2, c.low, c.high);
}

/** Output rows of a group of channels. */
export function computeRows(
  c: DepthwiseConvolution,
  planes: usize,
  planeBytes: usize,
  rows: i32,
  channels: i32,
  weights: usize,
  to: usize,
): void {
  const filterWidth = c.filterWidth;
  const strideX = c.strideX;
  const rowBytes = <usize>outPixels * pixelStride;
  // Row by row, since what shares a cache line should be written at the same time.
  for (let row = 0; row < rows; row++) {
    const line = planes + <usize>(row * c.strideY) * lineStride;
    let quadWeights = weights;
    for (let quad = 0; quad < channels; quad += 4) {
      const from = line + <usize>(quad >> 3) * planeBytes + ((<usize>quad & 4) << 2);
      const at = to + ((<usize>quad) << 2);
      const count = min(4, channels - quad);
      if (filterWidth === 3) {
        if (strideX === 1) line3By1(from, quadWeights, at, count);
        else line3By2(from, quadWeights, at, count);
      } else if (strideX === 1) line5By1(from, quadWeights, at, count);
      else line5By2(from, quadWeights, at, count);
      quadWeights += weightBytes;
    }
    to += rowBytes;
  }
}

/** Puts together the biases and weights of a group of channels, four of them at a time. */
export function gatherWeights(
  c: DepthwiseConvolution,
  channel: i32,
  channels: i32,
  to: usize,
): void {
  const skip = (<usize>channel) << 2;
  const pixelBytes = (<usize>c.channels) << 2;
  const taps = c.filterHeight * c.filterWidth;
  let filter = c.filter + skip;
  let bias = c.bias ? c.bias + skip : 0;
  for (; channels > 0; channels -= 4) {
    const count = min(4, channels);
    v128.store(to, bias ? load4(bias, count) : f32x4.splat(0));
    if (bias) bias += 16;
    to += 16;
    let from = filter;
    for (let tap = 0; tap < taps; tap++) {
      v128.store(to, load4(from, count));
      from += pixelBytes;
      to += 16;
    }
    filter += 16;
  }
}

function load4(from: usize, count: i32): v128 {
  return count === 4 ? v128.load(from) : loadSome(from, count);
}

function loadSome(from: usize, count: i32): v128 {
  let values = v128.load32_zero(from);
  if (count > 1) values = v128.load32_lane(from, values, 1, 4);
  if (count > 2) values = v128.load32_lane(from, values, 2, 8);
  return values;
}

export function clear(to: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 16) v128.store(to, f32x4.splat(0));
}

/** Pixels of a row, as a line of each plane. */
function gatherLine(
  from: usize,
  pixelBytes: usize,
  pixels: i32,
  channels: i32,
  to: usize,
  planeBytes: usize,
): void {
  const end = to + ((<usize>pixels) << 5);
  if (channels === GROUP) {
    let to1 = to + planeBytes;
    for (; to < end; to += 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to1, v128.load(from, 32));
      v128.store(to1, v128.load(from, 48), 16);
      to1 += 32;
      from += pixelBytes;
    }
    return;
  }
  for (; to < end; to += 32) {
    for (let channel = 0; channel < channels; channel += 4) {
      const at = to + <usize>(channel >> 3) * planeBytes + ((<usize>channel & 4) << 2);
      v128.store(at, load4(from + ((<usize>channel) << 2), min(4, channels - channel)));
    }
    from += pixelBytes;
  }
}
