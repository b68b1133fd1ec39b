// AssemblyScript: a convolution as a matrix product. What lies under the filter at an output pixel
// becomes a row of the left factor, for as many pixels as fit into the cache at a time.
import { copyFloats } from './copy-floats';
import { multiplyInt8 } from './int8-product';
import { multiply, multiplyInt8Weights } from './matrix-product';
import { Convolution, PRODUCT_BYTES, Product } from './tiles/arguments';

/**
 * Layout is NHWC, float32. `panels` is the filter, `[filterHeight · filterWidth · channels, n]`, as `packPanels`
 * leaves it, or `packInt8Panels`; `bias` is `[n]`, or 0 for none; `patches` has room for `patchCount` rows of
 * the left factor. It works in what the product works in and `PRODUCT_BYTES`.
 */
export function convolve(c: Convolution): void {
  const width = c.width;
  const filterWidth = c.filterWidth;
  const patches = c.patches;
  const patchCount = c.patchCount;
  const size = c.filterHeight * filterWidth * c.channels;
  const pixelBytes = (<usize>c.channels) << 2;
  const patchBytes = (<usize>size) << 2;
  const product = productOf(c, size);
  let x = c.x;
  let filled = 0;
  for (let b = 0; b < c.batch; b++) {
    for (let outY = 0; outY < c.outHeight; outY++) {
      const top = outY * c.strideY - c.padTop;
      for (let outX = 0; outX < c.outWidth; ) {
        const count = min(c.outWidth - outX, patchCount - filled);
        const left = outX * c.strideX - c.padLeft;
        for (let row = 0; row < c.filterHeight; row++) {
          const y = top + row;
          const to = patches + <usize>filled * patchBytes + <usize>(row * filterWidth) * pixelBytes;
          if (y < 0 || y >= c.height) {
            for (let i = 0; i < count; i++)
              clear(to + <usize>i * patchBytes, <usize>filterWidth * pixelBytes);
          } else {
            const line = x + <usize>(y * width) * pixelBytes;
            copyLine(line, width, pixelBytes, filterWidth, c.strideX, left, count, to, patchBytes);
          }
        }
        outX += count;
        filled += count;
        if (filled === patchCount) {
          multiplyPatches(c, product, filled);
          filled = 0;
        }
      }
    }
    x += <usize>(c.height * width) * pixelBytes;
  }
  if (filled > 0) multiplyPatches(c, product, filled);
}

/** The product of the filter by rows of patches, which are not there yet. */
function productOf(c: Convolution, k: i32): Product {
  const product = changetype<Product>(c.work);
  product.a = c.patches;
  product.k = k;
  product.panels = c.panels;
  product.n = c.n;
  product.bias = c.bias;
  product.low = c.low;
  product.high = c.high;
  product.out = c.out;
  product.work = c.work + PRODUCT_BYTES;
  return product;
}

/** The next rows of the output. */
function multiplyPatches(c: Convolution, product: Product, rows: i32): void {
  product.m = rows;
  if (c.product === 2) multiplyInt8(product);
  else if (c.product === 1) multiplyInt8Weights(product);
  else multiply(product);
  product.out += (<usize>(rows * c.n)) << 2;
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

function clear(to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(to + i, 0);
}
