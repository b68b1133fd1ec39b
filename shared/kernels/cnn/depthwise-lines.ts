// AssemblyScript: a line of a depthwise convolution's output, four channels of it. The input is in
// planes of such, with its padding: see depthwise.ts.

/**
 * Output pixels whose sums are in registers at a time, with five weights and an input value: of
 * eight, some would not be.
 */
export const TILE: i32 = 7;

/** Of the input's plane, in bytes. */
export let lineStride: usize = 0;
/** A plane's bias and weights. */
export let weightBytes: usize = 0;
export let outPixels: i32 = 0;
/** Of the output, in bytes. */
export let pixelStride: usize = 0;
export let lowest: v128 = f32x4.splat(0);
export let highest: v128 = f32x4.splat(0);

/** Sets what is the same for all lines that are computed next. */
export function prepareLines(
  lineBytes: usize,
  taps: i32,
  outWidth: i32,
  pixelBytes: usize,
  low: f32,
  high: f32,
): void {
  lineStride = lineBytes;
  weightBytes = (<usize>(1 + taps)) << 4;
  outPixels = outWidth;
  pixelStride = pixelBytes;
  lowest = f32x4.splat(low);
  highest = f32x4.splat(high);
}

/** At the end of a line, or where fewer than four channels are left. */
export function storePart(
  to: usize,
  pixels: i32,
  count: i32,
  sum0: v128,
  sum1: v128,
  sum2: v128,
  sum3: v128,
  sum4: v128,
  sum5: v128,
  sum6: v128,
): void {
  const stride = pixelStride;
  const low = lowest;
  const high = highest;
  sum0 = f32x4.pmin(f32x4.pmax(sum0, low), high);
  sum1 = f32x4.pmin(f32x4.pmax(sum1, low), high);
  sum2 = f32x4.pmin(f32x4.pmax(sum2, low), high);
  sum3 = f32x4.pmin(f32x4.pmax(sum3, low), high);
  sum4 = f32x4.pmin(f32x4.pmax(sum4, low), high);
  sum5 = f32x4.pmin(f32x4.pmax(sum5, low), high);
  sum6 = f32x4.pmin(f32x4.pmax(sum6, low), high);
  const to1 = to + stride;
  const to2 = to1 + stride;
  const to3 = to2 + stride;
  const to4 = to3 + stride;
  const to5 = to4 + stride;
  const to6 = to5 + stride;
  storeSome(to, sum0, count);
  if (pixels > 1) storeSome(to1, sum1, count);
  if (pixels > 2) storeSome(to2, sum2, count);
  if (pixels > 3) storeSome(to3, sum3, count);
  if (pixels > 4) storeSome(to4, sum4, count);
  if (pixels > 5) storeSome(to5, sum5, count);
  if (pixels > 6) storeSome(to6, sum6, count);
}

function storeSome(to: usize, values: v128, count: i32): void {
  if (count > 3) {
    v128.store(to, values);
    return;
  }
  v128.store32_lane(to, values, 0);
  if (count > 1) v128.store32_lane(to, values, 1, 4);
  if (count > 2) v128.store32_lane(to, values, 2, 8);
}
