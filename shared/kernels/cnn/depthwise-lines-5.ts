// AssemblyScript: lines of a depthwise convolution whose filter is 5 wide: see depthwise-lines.ts.
import {
  highest,
  lineStride,
  lowest,
  outPixels,
  pixelStride,
  storePart,
  weightBytes,
} from './depthwise-lines';

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
      const w0 = v128.load(weights);
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
      const w0 = v128.load(weights);
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
