// AssemblyScript: a depthwise convolution in relaxed WebAssembly SIMD, four channels at a time.
//
// A band of rows is copied into planes of eight channels each, with their padding: so the sums know
// no borders, and what they read lies close together. Copying takes one load and one store an
// input value, against 9 or 25 multiplications an output value. Sixteen channels are copied at a
// time, since they share a cache line.
import {
  line3By1,
  line3By2,
  line5By1,
  line5By2,
  lineStride,
  outPixels,
  pixelStride,
  prepareLines,
  TILE,
  weightBytes,
} from './tiles/depthwise-lines';

/** Channels that are worked on at a time, in planes of eight. */
export const GROUP: i32 = 16;
export const PLANES: i32 = 2;

/**
 * Layout is NHWC, float32; one output a channel. The filter is 3 or 5 wide and moves 1 or 2
 * pixels to the right.
 *
 * @param filter `[filterHeight, filterWidth, channels]`
 * @param bias `[channels]`, or 0 for none
 * @param work `workBytes` to work in
 * @returns whether they were enough; else nothing was computed
 */
export function convolveDepthwise(
  x: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  filter: usize,
  filterHeight: i32,
  filterWidth: i32,
  strideY: i32,
  strideX: i32,
  padTop: i32,
  padLeft: i32,
  outHeight: i32,
  outWidth: i32,
  bias: usize,
  low: f32,
  high: f32,
  out: usize,
  work: usize,
  workBytes: i32,
): bool {
  const pixelBytes = (<usize>channels) << 2;
  const columns = columnsOf(outWidth, filterWidth, strideX);
  const lineBytes = (<usize>columns) << 5;
  const taps = filterHeight * filterWidth;
  const planes = work + weightBytesOf(taps);
  const bytes = workBytes - <i32>(planes - work);
  const bandRows = bandRowsIn(bytes, lineBytes, filterHeight, strideY, outHeight);
  if (bandRows === 0) return false;
  const planeBytes = <usize>((bandRows - 1) * strideY + filterHeight) * lineBytes;
  prepareLines(lineBytes, taps, outWidth, pixelBytes, low, high);
  // Where the padding is in the planes stays the same, but for the rows above and below of a band.
  const left = (<usize>padLeft) << 5;
  const inside = min(width, columns - padLeft);
  clear(planes, planeBytes * PLANES);
  const isWhole = bandRows === outHeight;
  for (let b = 0; b < batch; b++) {
    for (let channel = 0; channel < channels; channel += GROUP) {
      const skip = (<usize>channel) << 2;
      const groupChannels = min(GROUP, channels - channel);
      gatherWeights(bias ? bias + skip : 0, filter + skip, pixelBytes, taps, groupChannels, work);
      for (let outY = 0; outY < outHeight; outY += bandRows) {
        const rows = min(bandRows, outHeight - outY);
        const top = outY * strideY - padTop;
        let line = planes;
        for (let y = top; y < top + (rows - 1) * strideY + filterHeight; y++) {
          const from = x + skip + <usize>(y * width) * pixelBytes;
          if (y >= 0 && y < height)
            gatherLine(from, pixelBytes, inside, groupChannels, line + left, planeBytes);
          else if (!isWhole)
            for (let plane = 0; plane < PLANES; plane++)
              clear(line + planeBytes * plane, lineBytes);
          line += lineBytes;
        }
        const to = out + skip + <usize>(outY * outWidth) * pixelBytes;
        computeRows(
          planes,
          planeBytes,
          rows,
          strideY,
          filterWidth,
          strideX,
          groupChannels,
          work,
          to,
        );
      }
    }
    x += <usize>(height * width) * pixelBytes;
    out += <usize>(outHeight * outWidth) * pixelBytes;
  }
  return true;
}

/** Of a line, so that the last tile has its input too. */
export function columnsOf(outWidth: i32, filterWidth: i32, strideX: i32): i32 {
  return (((outWidth + TILE - 1) / TILE) * TILE - 1) * strideX + filterWidth;
}

/** What `gatherWeights` makes of a group's takes as much. */
export function weightBytesOf(taps: i32): usize {
  return ((<usize>(1 + taps)) << 4) * (GROUP >> 2);
}

/** The output rows whose input fits into as many bytes, in all planes; 0 if not even one's does. */
export function bandRowsIn(
  bytes: i32,
  lineBytes: usize,
  filterHeight: i32,
  strideY: i32,
  outHeight: i32,
): i32 {
  const lines = bytes / (<i32>lineBytes * PLANES);
  return lines < filterHeight ? 0 : min((lines - filterHeight) / strideY + 1, outHeight);
}

/** Output rows of a group of channels. */
export function computeRows(
  planes: usize,
  planeBytes: usize,
  rows: i32,
  strideY: i32,
  filterWidth: i32,
  strideX: i32,
  channels: i32,
  weights: usize,
  to: usize,
): void {
  const rowBytes = <usize>outPixels * pixelStride;
  // Row by row, since what shares a cache line should be written at the same time.
  for (let row = 0; row < rows; row++) {
    const line = planes + <usize>(row * strideY) * lineStride;
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

export function gatherWeights(
  bias: usize,
  filter: usize,
  pixelBytes: usize,
  taps: i32,
  channels: i32,
  to: usize,
): void {
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
