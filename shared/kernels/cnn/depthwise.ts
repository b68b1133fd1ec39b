// AssemblyScript: a depthwise convolution in relaxed WebAssembly SIMD, four channels at a time.
//
// A band of rows is copied into planes of four channels each, with their padding: so the sums know
// no borders, and what they read lies close together. Copying takes one load and one store an
// input value, against 9 or 25 multiplications an output value. Sixteen channels are copied at a
// time, since they share a cache line.

/**
 * Output pixels whose sums are in registers at a time, with five weights and an input value: of
 * eight, some would not be.
 */
const TILE: i32 = 7;
/** Planes of four channels that are filled at a time. */
const PLANES: i32 = 4;

// The same for a whole convolution.
let pixelStride: usize = 0;
let lineStride: usize = 0;
let outPixels: i32 = 0;
/** A plane's bias, and then its weights. */
let weightBytes: usize = 0;
let lowest: v128 = f32x4.splat(0);
let highest: v128 = f32x4.splat(0);

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
  const columns = (((outWidth + TILE - 1) / TILE) * TILE - 1) * strideX + filterWidth;
  const lineBytes = (<usize>columns) << 4;
  const taps = filterHeight * filterWidth;
  weightBytes = (<usize>(1 + taps)) << 4;
  const planes = work + weightBytes * PLANES;
  const lines = (workBytes - <i32>weightBytes * PLANES) / (<i32>lineBytes * PLANES);
  if (lines < filterHeight) return false;
  const bandRows = min((lines - filterHeight) / strideY + 1, outHeight);
  const planeBytes = <usize>((bandRows - 1) * strideY + filterHeight) * lineBytes;
  pixelStride = pixelBytes;
  lineStride = lineBytes;
  outPixels = outWidth;
  lowest = f32x4.splat(low);
  highest = f32x4.splat(high);
  // Where the padding is in the planes stays the same, but for the rows above and below of a band.
  const left = (<usize>padLeft) << 4;
  const inside = min(width, columns - padLeft);
  clear(planes, (<i32>planeBytes * PLANES) >> 4);
  const isWhole = bandRows === outHeight;
  for (let b = 0; b < batch; b++) {
    for (let channel = 0; channel < channels; channel += PLANES << 2) {
      const skip = (<usize>channel) << 2;
      const groupChannels = min(PLANES << 2, channels - channel);
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
            for (let plane = 0; plane < PLANES; plane++) clear(line + planeBytes * plane, columns);
          line += lineBytes;
        }
        // Row by row, since what shares a cache line should be written at the same time.
        let to = out + skip + <usize>(outY * outWidth) * pixelBytes;
        for (let row = 0; row < rows; row++) {
          line = planes + <usize>(row * strideY) * lineBytes;
          let weights = work;
          for (let quad = 0; quad < groupChannels; quad += 4) {
            const at = to + ((<usize>quad) << 2);
            const count = min(4, groupChannels - quad);
            if (filterWidth === 3) {
              if (strideX === 1) line3By1(line, weights, at, count);
              else line3By2(line, weights, at, count);
            } else if (strideX === 1) line5By1(line, weights, at, count);
            else line5By2(line, weights, at, count);
            line += planeBytes;
            weights += weightBytes;
          }
          to += <usize>outWidth * pixelBytes;
        }
      }
    }
    x += <usize>(height * width) * pixelBytes;
    out += <usize>(outHeight * outWidth) * pixelBytes;
  }
  return true;
}

function gatherWeights(
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

function storeSome(to: usize, values: v128, count: i32): void {
  if (count > 3) {
    v128.store(to, values);
    return;
  }
  v128.store32_lane(to, values, 0);
  if (count > 1) v128.store32_lane(to, values, 1, 4);
  if (count > 2) v128.store32_lane(to, values, 2, 8);
}

function clear(to: usize, pixels: i32): void {
  for (const end = to + ((<usize>pixels) << 4); to < end; to += 16) v128.store(to, f32x4.splat(0));
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
  const end = to + ((<usize>pixels) << 4);
  if (channels === PLANES << 2) {
    let to1 = to + planeBytes;
    let to2 = to1 + planeBytes;
    let to3 = to2 + planeBytes;
    for (; to < end; to += 16) {
      v128.store(to, v128.load(from));
      v128.store(to1, v128.load(from, 16));
      v128.store(to2, v128.load(from, 32));
      v128.store(to3, v128.load(from, 48));
      to1 += 16;
      to2 += 16;
      to3 += 16;
      from += pixelBytes;
    }
    return;
  }
  for (; to < end; to += 16) {
    let at = to;
    for (let channel = 0; channel < channels; channel += 4) {
      v128.store(at, load4(from + ((<usize>channel) << 2), min(4, channels - channel)));
      at += planeBytes;
    }
    from += pixelBytes;
  }
}

function line3By1(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
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
      const w0 = v128.load(weights);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 16);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 48);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 64);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 80);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 96);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 112);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 128);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      from += stride;
      weights += 48;
    } while (weights < last);
    storeTile(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 112;
  }
}

function line3By2(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
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
      const w0 = v128.load(weights);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 16);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 48);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      x = v128.load(from, 64);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 80);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      x = v128.load(from, 96);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 112);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      x = v128.load(from, 128);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 144);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      x = v128.load(from, 160);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 176);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      x = v128.load(from, 192);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 208);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 224);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      from += stride;
      weights += 48;
    } while (weights < last);
    storeTile(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 224;
  }
}

function line5By1(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
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
      const w0 = v128.load(weights);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      const w3 = v128.load(weights, 48);
      const w4 = v128.load(weights, 64);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 16);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 48);
      sum0 = f32x4.relaxed_madd(x, w3, sum0);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 64);
      sum0 = f32x4.relaxed_madd(x, w4, sum0);
      sum1 = f32x4.relaxed_madd(x, w3, sum1);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 80);
      sum1 = f32x4.relaxed_madd(x, w4, sum1);
      sum2 = f32x4.relaxed_madd(x, w3, sum2);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 96);
      sum2 = f32x4.relaxed_madd(x, w4, sum2);
      sum3 = f32x4.relaxed_madd(x, w3, sum3);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 112);
      sum3 = f32x4.relaxed_madd(x, w4, sum3);
      sum4 = f32x4.relaxed_madd(x, w3, sum4);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 128);
      sum4 = f32x4.relaxed_madd(x, w4, sum4);
      sum5 = f32x4.relaxed_madd(x, w3, sum5);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      x = v128.load(from, 144);
      sum5 = f32x4.relaxed_madd(x, w4, sum5);
      sum6 = f32x4.relaxed_madd(x, w3, sum6);
      x = v128.load(from, 160);
      sum6 = f32x4.relaxed_madd(x, w4, sum6);
      from += stride;
      weights += 80;
    } while (weights < last);
    storeTile(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 112;
  }
}

function line5By2(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
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
      const w0 = v128.load(weights);
      const w1 = v128.load(weights, 16);
      const w2 = v128.load(weights, 32);
      const w3 = v128.load(weights, 48);
      const w4 = v128.load(weights, 64);
      sum0 = f32x4.relaxed_madd(x, w0, sum0);
      x = v128.load(from, 16);
      sum0 = f32x4.relaxed_madd(x, w1, sum0);
      x = v128.load(from, 32);
      sum0 = f32x4.relaxed_madd(x, w2, sum0);
      sum1 = f32x4.relaxed_madd(x, w0, sum1);
      x = v128.load(from, 48);
      sum0 = f32x4.relaxed_madd(x, w3, sum0);
      sum1 = f32x4.relaxed_madd(x, w1, sum1);
      x = v128.load(from, 64);
      sum0 = f32x4.relaxed_madd(x, w4, sum0);
      sum1 = f32x4.relaxed_madd(x, w2, sum1);
      sum2 = f32x4.relaxed_madd(x, w0, sum2);
      x = v128.load(from, 80);
      sum1 = f32x4.relaxed_madd(x, w3, sum1);
      sum2 = f32x4.relaxed_madd(x, w1, sum2);
      x = v128.load(from, 96);
      sum1 = f32x4.relaxed_madd(x, w4, sum1);
      sum2 = f32x4.relaxed_madd(x, w2, sum2);
      sum3 = f32x4.relaxed_madd(x, w0, sum3);
      x = v128.load(from, 112);
      sum2 = f32x4.relaxed_madd(x, w3, sum2);
      sum3 = f32x4.relaxed_madd(x, w1, sum3);
      x = v128.load(from, 128);
      sum2 = f32x4.relaxed_madd(x, w4, sum2);
      sum3 = f32x4.relaxed_madd(x, w2, sum3);
      sum4 = f32x4.relaxed_madd(x, w0, sum4);
      x = v128.load(from, 144);
      sum3 = f32x4.relaxed_madd(x, w3, sum3);
      sum4 = f32x4.relaxed_madd(x, w1, sum4);
      x = v128.load(from, 160);
      sum3 = f32x4.relaxed_madd(x, w4, sum3);
      sum4 = f32x4.relaxed_madd(x, w2, sum4);
      sum5 = f32x4.relaxed_madd(x, w0, sum5);
      x = v128.load(from, 176);
      sum4 = f32x4.relaxed_madd(x, w3, sum4);
      sum5 = f32x4.relaxed_madd(x, w1, sum5);
      x = v128.load(from, 192);
      sum4 = f32x4.relaxed_madd(x, w4, sum4);
      sum5 = f32x4.relaxed_madd(x, w2, sum5);
      sum6 = f32x4.relaxed_madd(x, w0, sum6);
      x = v128.load(from, 208);
      sum5 = f32x4.relaxed_madd(x, w3, sum5);
      sum6 = f32x4.relaxed_madd(x, w1, sum6);
      x = v128.load(from, 224);
      sum5 = f32x4.relaxed_madd(x, w4, sum5);
      sum6 = f32x4.relaxed_madd(x, w2, sum6);
      x = v128.load(from, 240);
      sum6 = f32x4.relaxed_madd(x, w3, sum6);
      x = v128.load(from, 256);
      sum6 = f32x4.relaxed_madd(x, w4, sum6);
      from += stride;
      weights += 80;
    } while (weights < last);
    storeTile(to, pixels, count, sum0, sum1, sum2, sum3, sum4, sum5, sum6);
    to += pixelStride * 7;
    line += 224;
  }
}

function storeTile(
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
  if (pixels >= 7 && count === 4) {
    v128.store(to, sum0);
    v128.store(to1, sum1);
    v128.store(to2, sum2);
    v128.store(to3, sum3);
    v128.store(to4, sum4);
    v128.store(to5, sum5);
    v128.store(to6, sum6);
    return;
  }
  storeSome(to, sum0, count);
  if (pixels > 1) storeSome(to1, sum1, count);
  if (pixels > 2) storeSome(to2, sum2, count);
  if (pixels > 3) storeSome(to3, sum3, count);
  if (pixels > 4) storeSome(to4, sum4, count);
  if (pixels > 5) storeSome(to5, sum5, count);
  if (pixels > 6) storeSome(to6, sum6, count);
}
