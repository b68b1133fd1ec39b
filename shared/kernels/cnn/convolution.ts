// AssemblyScript: a convolution as a matrix product. What lies under the filter at an output pixel
// becomes a row of the left factor, for as many pixels as fit into the cache at a time.
import { copyFloats } from './copy-floats';
import { multiplyInt8 } from './int8-product';
import { multiply, multiplyInt8Weights } from './matrix-product';

/**
 * Layout is NHWC, float32.
 *
 * @param panels the filter, `[filterHeight · filterWidth · channels, n]`, as `packPanels` leaves it, or
 *   `packInt8Panels`
 * @param bias `[n]`, or 0 for none
 * @param patches room for `patchCount` rows of the left factor
 * @param work what the product works in
 * @param product 0 for `multiply`, 1 for `multiplyInt8Weights`, 2 for `multiplyInt8`
 */
export function convolve(
  x: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideY: i32,
  strideX: i32,
  padTop: i32,
  padLeft: i32,
  outHeight: i32,
  outWidth: i32,
  panels: usize,
  n: i32,
  bias: usize,
  low: f32,
  high: f32,
  out: usize,
  patches: usize,
  patchCount: i32,
  work: usize,
  product: i32,
): void {
  const size = filterHeight * filterWidth * channels;
  const pixelBytes = (<usize>channels) << 2;
  const patchBytes = (<usize>size) << 2;
  let filled = 0;
  for (let b = 0; b < batch; b++) {
    for (let outY = 0; outY < outHeight; outY++) {
      const top = outY * strideY - padTop;
      for (let outX = 0; outX < outWidth; ) {
        const count = min(outWidth - outX, patchCount - filled);
        const left = outX * strideX - padLeft;
        for (let row = 0; row < filterHeight; row++) {
          const y = top + row;
          const to = patches + <usize>filled * patchBytes + <usize>(row * filterWidth) * pixelBytes;
          if (y < 0 || y >= height) {
            for (let i = 0; i < count; i++)
              clear(to + <usize>i * patchBytes, <usize>filterWidth * pixelBytes);
          } else {
            const line = x + <usize>(y * width) * pixelBytes;
            copyLine(line, width, pixelBytes, filterWidth, strideX, left, count, to, patchBytes);
          }
        }
        outX += count;
        filled += count;
        if (filled === patchCount) {
          multiplyBy(product, patches, filled, size, panels, n, bias, low, high, out, work);
          out += (<usize>(filled * n)) << 2;
          filled = 0;
        }
      }
    }
    x += <usize>(height * width) * pixelBytes;
  }
  if (filled === 0) return;
  multiplyBy(product, patches, filled, size, panels, n, bias, low, high, out, work);
}

/** What lies under a row of the filter, at `count` places of a line of pixels; zeros beyond its ends. */
function copyLine(
  line: usize,
  width: i32,
  pixelBytes: usize,
  filterWidth: i32,
  stride: i32,
  left: i32,
  count: i32,
  to: usize,
  toStride: usize,
): void {
  const runBytes = <usize>filterWidth * pixelBytes;
  const last = runBytes - 16;
  for (let i = 0; i < count; i++) {
    if (left >= 0 && left + filterWidth <= width && runBytes >= 16) {
      const from = line + <usize>left * pixelBytes;
      for (let at: usize = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
      v128.store(to + last, v128.load(from + last));
    } else {
      clear(to, runBytes);
      const begin = max(left, 0);
      const end = min(left + filterWidth, width);
      const skipped = <usize>(begin - left) * pixelBytes;
      if (begin < end) {
        copyFloats(
          line + <usize>begin * pixelBytes,
          to + skipped,
          (end - begin) * <i32>(pixelBytes >> 2),
        );
      }
    }
    left += stride;
    to += toStride;
  }
}

function multiplyBy(
  product: i32,
  a: usize,
  m: i32,
  k: i32,
  panels: usize,
  n: i32,
  bias: usize,
  low: f32,
  high: f32,
  out: usize,
  work: usize,
): void {
  if (product === 2) multiplyInt8(a, m, k, panels, n, bias, low, high, out, work);
  else if (product === 1) multiplyInt8Weights(a, m, k, panels, n, bias, low, high, out, work);
  else multiply(a, m, k, panels, n, bias, low, high, out, work);
}

function clear(to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(to + i, 0);
}
