// AssemblyScript: a depthwise convolution in relaxed WebAssembly SIMD, four channels at a time.
//
// Four channels of a band of rows are copied next to each other, with their padding: so the sums
// know no borders, and what they read is a few kilobytes in a row. Copying costs one load and one
// store an input value, against 9 or 25 multiplications an output value.

/** Output pixels whose sums are in registers at a time. */
const TILE: i32 = 4;

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
  const lowest = f32x4.splat(low);
  const highest = f32x4.splat(high);
  const pixelBytes = (<usize>channels) << 2;
  const columns = (((outWidth + TILE - 1) & -TILE) - 1) * strideX + filterWidth;
  const lineBytes = (<usize>columns) << 4;
  const taps = filterHeight * filterWidth;
  const weights = work + 16;
  const plane = weights + ((<usize>taps) << 4);
  const lines = (workBytes - <i32>(plane - work)) / <i32>lineBytes;
  if (lines < filterHeight) return false;
  const bandRows = min((lines - filterHeight) / strideY + 1, outHeight);
  for (let b = 0; b < batch; b++) {
    for (let outY = 0; outY < outHeight; outY += bandRows) {
      const rows = min(bandRows, outHeight - outY);
      const top = outY * strideY - padTop;
      const planeRows = (rows - 1) * strideY + filterHeight;
      for (let channel = 0; channel < channels; channel += 4) {
        const count = min(4, channels - channel);
        const skip = (<usize>channel) << 2;
        store4(work, bias ? load4(bias + skip, count) : f32x4.splat(0), 4);
        for (let tap = 0; tap < taps; tap++) {
          store4(
            weights + ((<usize>tap) << 4),
            load4(filter + <usize>tap * pixelBytes + skip, count),
            4,
          );
        }
        let line = plane;
        for (let y = top; y < top + planeRows; y++) {
          const from = x + skip + <usize>(y * width) * pixelBytes;
          if (y < 0 || y >= height) clear(line, columns);
          else gather(from, pixelBytes, width, count, line, padLeft, columns);
          line += lineBytes;
        }
        line = plane;
        let to = out + skip + <usize>(outY * outWidth) * pixelBytes;
        for (let row = 0; row < rows; row++) {
          for (let outX = 0; outX < outWidth; outX += TILE) {
            const from = line + ((<usize>(outX * strideX)) << 4);
            const pixels = min(TILE, outWidth - outX);
            if (filterWidth === 3) {
              if (strideX === 1) {
                tile3<u8>(
                  from,
                  lineBytes,
                  filterHeight,
                  work,
                  lowest,
                  highest,
                  to,
                  pixelBytes,
                  pixels,
                  count,
                );
              } else {
                tile3<u16>(
                  from,
                  lineBytes,
                  filterHeight,
                  work,
                  lowest,
                  highest,
                  to,
                  pixelBytes,
                  pixels,
                  count,
                );
              }
            } else if (strideX === 1) {
              tile5<u8>(
                from,
                lineBytes,
                filterHeight,
                work,
                lowest,
                highest,
                to,
                pixelBytes,
                pixels,
                count,
              );
            } else {
              tile5<u16>(
                from,
                lineBytes,
                filterHeight,
                work,
                lowest,
                highest,
                to,
                pixelBytes,
                pixels,
                count,
              );
            }
            to += <usize>pixels * pixelBytes;
          }
          line += lineBytes * <usize>strideY;
        }
      }
    }
    x += <usize>(height * width) * pixelBytes;
    out += <usize>(outHeight * outWidth) * pixelBytes;
  }
  return true;
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

function store4(to: usize, values: v128, count: i32): void {
  if (count === 4) v128.store(to, values);
  else storeSome(to, values, count);
}

function storeSome(to: usize, values: v128, count: i32): void {
  v128.store32_lane(to, values, 0);
  if (count > 1) v128.store32_lane(to, values, 1, 4);
  if (count > 2) v128.store32_lane(to, values, 2, 8);
}

function clear(to: usize, pixels: i32): void {
  for (const end = to + ((<usize>pixels) << 4); to < end; to += 16) v128.store(to, f32x4.splat(0));
}

/** Four channels of a row, with zeros left and right of it. */
function gather(
  from: usize,
  pixelBytes: usize,
  width: i32,
  count: i32,
  to: usize,
  padLeft: i32,
  columns: i32,
): void {
  const inside = min(width, columns - padLeft);
  clear(to, padLeft);
  to += (<usize>padLeft) << 4;
  const end = to + ((<usize>inside) << 4);
  if (count === 4) {
    for (; to < end; to += 16) {
      v128.store(to, v128.load(from));
      from += pixelBytes;
    }
  } else {
    for (; to < end; to += 16) {
      v128.store(to, loadSome(from, count));
      from += pixelBytes;
    }
  }
  clear(to, columns - padLeft - inside);
}

/** A filter 3 wide. The stride is the size of `Stride`, so that offsets are constants. */
function tile3<Stride>(
  from: usize,
  lineBytes: usize,
  filterHeight: i32,
  work: usize,
  low: v128,
  high: v128,
  to: usize,
  pixelBytes: usize,
  pixels: i32,
  count: i32,
): void {
  let sum0 = v128.load(work);
  let sum1 = sum0;
  let sum2 = sum0;
  let sum3 = sum0;
  let weights = work + 16;
  for (const end = weights + <usize>filterHeight * 48; weights < end; weights += 48) {
    const w0 = v128.load(weights);
    const w1 = v128.load(weights, 16);
    const w2 = v128.load(weights, 32);
    sum0 = f32x4.relaxed_madd(v128.load(from), w0, sum0);
    sum1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16), w0, sum1);
    sum2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32), w0, sum2);
    sum3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48), w0, sum3);
    sum0 = f32x4.relaxed_madd(v128.load(from, 16), w1, sum0);
    sum1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16 + 16), w1, sum1);
    sum2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32 + 16), w1, sum2);
    sum3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48 + 16), w1, sum3);
    sum0 = f32x4.relaxed_madd(v128.load(from, 32), w2, sum0);
    sum1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16 + 32), w2, sum1);
    sum2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32 + 32), w2, sum2);
    sum3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48 + 32), w2, sum3);
    from += lineBytes;
  }
  storeTile(to, pixelBytes, pixels, count, low, high, sum0, sum1, sum2, sum3);
}

/** A filter 5 wide. */
function tile5<Stride>(
  from: usize,
  lineBytes: usize,
  filterHeight: i32,
  work: usize,
  low: v128,
  high: v128,
  to: usize,
  pixelBytes: usize,
  pixels: i32,
  count: i32,
): void {
  let sum0 = v128.load(work);
  let sum1 = sum0;
  let sum2 = sum0;
  let sum3 = sum0;
  let odd0 = f32x4.splat(0);
  let odd1 = odd0;
  let odd2 = odd0;
  let odd3 = odd0;
  let weights = work + 16;
  for (const end = weights + <usize>filterHeight * 80; weights < end; weights += 80) {
    const w0 = v128.load(weights);
    const w1 = v128.load(weights, 16);
    const w2 = v128.load(weights, 32);
    const w3 = v128.load(weights, 48);
    const w4 = v128.load(weights, 64);
    sum0 = f32x4.relaxed_madd(v128.load(from), w0, sum0);
    sum1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16), w0, sum1);
    sum2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32), w0, sum2);
    sum3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48), w0, sum3);
    odd0 = f32x4.relaxed_madd(v128.load(from, 16), w1, odd0);
    odd1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16 + 16), w1, odd1);
    odd2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32 + 16), w1, odd2);
    odd3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48 + 16), w1, odd3);
    sum0 = f32x4.relaxed_madd(v128.load(from, 32), w2, sum0);
    sum1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16 + 32), w2, sum1);
    sum2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32 + 32), w2, sum2);
    sum3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48 + 32), w2, sum3);
    odd0 = f32x4.relaxed_madd(v128.load(from, 48), w3, odd0);
    odd1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16 + 48), w3, odd1);
    odd2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32 + 48), w3, odd2);
    odd3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48 + 48), w3, odd3);
    sum0 = f32x4.relaxed_madd(v128.load(from, 64), w4, sum0);
    sum1 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 16 + 64), w4, sum1);
    sum2 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 32 + 64), w4, sum2);
    sum3 = f32x4.relaxed_madd(v128.load(from, sizeof<Stride>() * 48 + 64), w4, sum3);
    from += lineBytes;
  }
  sum0 = f32x4.add(sum0, odd0);
  sum1 = f32x4.add(sum1, odd1);
  sum2 = f32x4.add(sum2, odd2);
  sum3 = f32x4.add(sum3, odd3);
  storeTile(to, pixelBytes, pixels, count, low, high, sum0, sum1, sum2, sum3);
}

function storeTile(
  to: usize,
  pixelBytes: usize,
  pixels: i32,
  count: i32,
  low: v128,
  high: v128,
  sum0: v128,
  sum1: v128,
  sum2: v128,
  sum3: v128,
): void {
  store4(to, f32x4.pmin(f32x4.pmax(sum0, low), high), count);
  if (pixels > 1) store4(to + pixelBytes, f32x4.pmin(f32x4.pmax(sum1, low), high), count);
  if (pixels > 2) store4(to + pixelBytes * 2, f32x4.pmin(f32x4.pmax(sum2, low), high), count);
  if (pixels > 3) store4(to + pixelBytes * 3, f32x4.pmin(f32x4.pmax(sum3, low), high), count);
}
