// AssemblyScript that shared/tiles/depthwise-lines.ts wrote, which explains it. Change it there, and run
// `pnpm --filter shared build`.

/** Output pixels whose sums are in registers at a time. */
export const TILE: i32 = 7;

/** Of the input's plane, in bytes. */
export let lineStride: usize = 0;
/** A plane's bias and weights. */
export let weightBytes: usize = 0;
export let outPixels: i32 = 0;
/** Of the output, in bytes. */
export let pixelStride: usize = 0;
let lowest: v128 = f32x4.splat(0);
let highest: v128 = f32x4.splat(0);

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

/** A filter 3 wide that moves one pixel to the right. */
export function line3By1(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
  const pixelBytes = pixelStride;
  const low = lowest;
  const high = highest;
  const last = bias + weightBytes;
  for (let pixels = outPixels; pixels > 0; pixels -= 7) {
    let from = line;
    let sum0 = v128.load(bias);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let sum4 = sum0;
    let sum5 = sum0;
    let sum6 = sum0;
    let weights = bias + 16;
    do {
      let x = v128.load(from);
      const w0 = v128.load(weights, 0);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 64);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 96);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 128);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 160);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 192);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 224);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 256);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      from += stride;
      weights += 48;
    } while (weights < last);
    if (pixels >= 7 && count > 3) {
      v128.store(to, f32x4.pmin(f32x4.pmax(sum0, low), high));
      let at = to + pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum1, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum2, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum3, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum4, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum5, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum6, low), high));
    } else storePart(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 224;
  }
}

/** A filter 3 wide that moves two pixels to the right. */
export function line3By2(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
  const pixelBytes = pixelStride;
  const low = lowest;
  const high = highest;
  const last = bias + weightBytes;
  for (let pixels = outPixels; pixels > 0; pixels -= 7) {
    let from = line;
    let sum0 = v128.load(bias);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let sum4 = sum0;
    let sum5 = sum0;
    let sum6 = sum0;
    let weights = bias + 16;
    do {
      let x = v128.load(from);
      const w0 = v128.load(weights, 0);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      x = v128.load(from, 64);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 96);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      x = v128.load(from, 128);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 160);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      x = v128.load(from, 192);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 224);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      x = v128.load(from, 256);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 288);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      x = v128.load(from, 320);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 352);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      x = v128.load(from, 384);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 416);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 448);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      from += stride;
      weights += 48;
    } while (weights < last);
    if (pixels >= 7 && count > 3) {
      v128.store(to, f32x4.pmin(f32x4.pmax(sum0, low), high));
      let at = to + pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum1, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum2, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum3, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum4, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum5, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum6, low), high));
    } else storePart(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 448;
  }
}

/** A filter 5 wide that moves one pixel to the right. */
export function line5By1(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
  const pixelBytes = pixelStride;
  const low = lowest;
  const high = highest;
  const last = bias + weightBytes;
  for (let pixels = outPixels; pixels > 0; pixels -= 7) {
    let from = line;
    let sum0 = v128.load(bias);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let sum4 = sum0;
    let sum5 = sum0;
    let sum6 = sum0;
    let weights = bias + 16;
    do {
      let x = v128.load(from);
      const w0 = v128.load(weights, 0);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      const w3 = v128.load(weights, 48);
      const w4 = v128.load(weights, 64);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 64);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 96);
      sum0 = f32x4.relaxed_madd(x, w3, sum0);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 128);
      sum0 = f32x4.relaxed_madd(x, w4, sum0);
      sum1 = f32x4.relaxed_madd(x, w3, sum1);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 160);
      sum1 = f32x4.relaxed_madd(x, w4, sum1);
      sum2 = f32x4.relaxed_madd(x, w3, sum2);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 192);
      sum2 = f32x4.relaxed_madd(x, w4, sum2);
      sum3 = f32x4.relaxed_madd(x, w3, sum3);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 224);
      sum3 = f32x4.relaxed_madd(x, w4, sum3);
      sum4 = f32x4.relaxed_madd(x, w3, sum4);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 256);
      sum4 = f32x4.relaxed_madd(x, w4, sum4);
      sum5 = f32x4.relaxed_madd(x, w3, sum5);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      x = v128.load(from, 288);
      sum5 = f32x4.relaxed_madd(x, w4, sum5);
      sum6 = f32x4.relaxed_madd(x, w3, sum6);
      x = v128.load(from, 320);
      sum6 = f32x4.relaxed_madd(x, w4, sum6);
      from += stride;
      weights += 80;
    } while (weights < last);
    if (pixels >= 7 && count > 3) {
      v128.store(to, f32x4.pmin(f32x4.pmax(sum0, low), high));
      let at = to + pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum1, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum2, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum3, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum4, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum5, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum6, low), high));
    } else storePart(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 224;
  }
}

/** A filter 5 wide that moves two pixels to the right. */
export function line5By2(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
  const pixelBytes = pixelStride;
  const low = lowest;
  const high = highest;
  const last = bias + weightBytes;
  for (let pixels = outPixels; pixels > 0; pixels -= 7) {
    let from = line;
    let sum0 = v128.load(bias);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let sum4 = sum0;
    let sum5 = sum0;
    let sum6 = sum0;
    let weights = bias + 16;
    do {
      let x = v128.load(from);
      const w0 = v128.load(weights, 0);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      const w3 = v128.load(weights, 48);
      const w4 = v128.load(weights, 64);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      x = v128.load(from, 64);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 96);
      sum0 = f32x4.relaxed_madd(x, w3, sum0);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      x = v128.load(from, 128);
      sum0 = f32x4.relaxed_madd(x, w4, sum0);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 160);
      sum1 = f32x4.relaxed_madd(x, w3, sum1);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      x = v128.load(from, 192);
      sum1 = f32x4.relaxed_madd(x, w4, sum1);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 224);
      sum2 = f32x4.relaxed_madd(x, w3, sum2);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      x = v128.load(from, 256);
      sum2 = f32x4.relaxed_madd(x, w4, sum2);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 288);
      sum3 = f32x4.relaxed_madd(x, w3, sum3);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      x = v128.load(from, 320);
      sum3 = f32x4.relaxed_madd(x, w4, sum3);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 352);
      sum4 = f32x4.relaxed_madd(x, w3, sum4);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      x = v128.load(from, 384);
      sum4 = f32x4.relaxed_madd(x, w4, sum4);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 416);
      sum5 = f32x4.relaxed_madd(x, w3, sum5);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 448);
      sum5 = f32x4.relaxed_madd(x, w4, sum5);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      x = v128.load(from, 480);
      sum6 = f32x4.relaxed_madd(x, w3, sum6);
      x = v128.load(from, 512);
      sum6 = f32x4.relaxed_madd(x, w4, sum6);
      from += stride;
      weights += 80;
    } while (weights < last);
    if (pixels >= 7 && count > 3) {
      v128.store(to, f32x4.pmin(f32x4.pmax(sum0, low), high));
      let at = to + pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum1, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum2, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum3, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum4, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum5, low), high));
      at += pixelBytes;
      v128.store(at, f32x4.pmin(f32x4.pmax(sum6, low), high));
    } else storePart(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 448;
  }
}

/** At the end of a line, or where fewer than four channels are left. */
function storePart(
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
