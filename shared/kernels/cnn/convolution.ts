// AssemblyScript: a convolution as a matrix product. What lies under the filter at an output pixel
// becomes a row of the left factor, for as many pixels as fit into the cache at a time.
import { multiplyInt8 } from './int8-product';
import { multiply } from './matrix-product';

/**
 * Layout is NHWC, float32.
 *
 * @param panels the filter, `[filterHeight · filterWidth · channels, n]`, as `packPanels` leaves it, or
 *   `packInt8Panels`
 * @param bias `[n]`, or 0 for none
 * @param patches room for `patchCount` rows of the left factor
 * @param work what `multiply` or `multiplyInt8` works in
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
  isInt8: bool,
): void {
  const size = filterHeight * filterWidth * channels;
  const pixelBytes = (<usize>channels) << 2;
  const rowBytes = <usize>width * pixelBytes;
  const runBytes = <usize>filterWidth * pixelBytes;
  let filled = 0;
  let to = patches;
  for (let b = 0; b < batch; b++) {
    for (let outY = 0; outY < outHeight; outY++) {
      const top = outY * strideY - padTop;
      for (let outX = 0; outX < outWidth; outX++) {
        const left = outX * strideX - padLeft;
        const before = min(max(-left, 0), filterWidth);
        const after = min(max(left + filterWidth - width, 0), filterWidth - before);
        const skipped = <usize>before * pixelBytes;
        const inside = runBytes - skipped - <usize>after * pixelBytes;
        for (let y = top; y < top + filterHeight; y++) {
          if (y < 0 || y >= height) {
            clear(to, runBytes);
          } else if (inside === runBytes) {
            copy(x + <usize>y * rowBytes + <usize>left * pixelBytes, to, runBytes);
          } else {
            clear(to, runBytes);
            copy(
              x + <usize>y * rowBytes + <usize>(left + before) * pixelBytes,
              to + skipped,
              inside,
            );
          }
          to += runBytes;
        }
        if (++filled === patchCount) {
          if (isInt8) multiplyInt8(patches, filled, size, panels, n, bias, low, high, out, work);
          else multiply(patches, filled, size, panels, n, bias, low, high, out, work);
          out += (<usize>(filled * n)) << 2;
          filled = 0;
          to = patches;
        }
      }
    }
    x += <usize>height * rowBytes;
  }
  if (filled === 0) return;
  if (isInt8) multiplyInt8(patches, filled, size, panels, n, bias, low, high, out, work);
  else multiply(patches, filled, size, panels, n, bias, low, high, out, work);
}

function copy(from: usize, to: usize, bytes: usize): void {
  if (bytes < 16) {
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(to + i, load<f32>(from + i));
    return;
  }
  const last = bytes - 16;
  for (let i: usize = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i));
  v128.store(to + last, v128.load(from + last));
}

function clear(to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(to + i, 0);
}
