// AssemblyScript: the two passes of Pillow's resize, in WebAssembly SIMD. The caller lays out the
// memory: see src/images/resize-kernel.ts. After a change: `pnpm --filter shared build`.
//
// A 22-bit weight is stored as two 16-bit parts, `weight = high * 256 + low`, so that one
// instruction multiplies and adds two taps. A pair of taps is 8 bytes: the two high parts, the two
// low ones. Every output position has as many pairs; the surplus ones weigh 0, so what they read
// does not matter, only that there is memory.

const PRECISION_BITS: i32 = 22;
const HALF: i32 = 1 << (PRECISION_BITS - 1);

/**
 * The horizontal pass over rows, four at a time: to `size` pixels of three 8-bit samples each.
 *
 * @param picks 16 bytes: which bytes of two neighbouring pixels make the 16-bit lanes
 *   `[first, second]` of each of their channels
 * @param firsts for each output position, its first tap's, as i32
 */
export function resizeRows(
  source: usize,
  sourceStride: usize,
  channels: usize,
  picks: usize,
  rowCount: i32,
  firsts: usize,
  weights: usize,
  pairs: usize,
  size: i32,
  target: usize,
  targetStride: usize,
): void {
  const lanes = v128.load(picks);
  for (let y = 0; y < rowCount; y += 4) {
    let tap = weights;
    let to = target;
    for (let x = 0; x < size; x++) {
      let at0 = source + <usize>load<i32>(firsts + ((<usize>x) << 2)) * channels;
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let high3 = i32x4.splat(0);
      let low0 = i32x4.splat(HALF);
      let low1 = i32x4.splat(HALF);
      let low2 = i32x4.splat(HALF);
      let low3 = i32x4.splat(HALF);
      for (const end = tap + (pairs << 3); tap < end; tap += 8) {
        const high = v128.load32_splat(tap);
        const low = v128.load32_splat(tap, 4);
        const at1 = at0 + sourceStride;
        const at2 = at1 + sourceStride;
        const pixels0 = v128.swizzle(v128.load64_zero(at0), lanes);
        const pixels1 = v128.swizzle(v128.load64_zero(at1), lanes);
        const pixels2 = v128.swizzle(v128.load64_zero(at2), lanes);
        const pixels3 = v128.swizzle(v128.load64_zero(at2 + sourceStride), lanes);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(pixels0, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(pixels1, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(pixels2, high));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(pixels3, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(pixels0, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(pixels1, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(pixels2, low));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(pixels3, low));
        at0 += channels << 1;
      }
      const pixels = i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(sample(high0, low0), sample(high1, low1)),
        i16x8.narrow_i32x4_s(sample(high2, low2), sample(high3, low3)),
      );
      // A pixel has three samples. The next one overwrites the fourth.
      v128.store32_lane(to, pixels, 0);
      v128.store32_lane(to + targetStride, pixels, 1);
      v128.store32_lane(to + targetStride * 2, pixels, 2);
      v128.store32_lane(to + targetStride * 3, pixels, 3);
      to += 3;
    }
    source += sourceStride << 2;
    target += targetStride << 2;
  }
}

/**
 * The vertical pass, and what each sample means to the network: `size` rows of `size` pixels. Eight
 * bits have 256 values, so that a table says it exactly, however it was computed.
 *
 * @param tables 3 × 256 f32: of each channel, the input that stands for each sample
 * @param samples room for one row of samples and 15 bytes more
 */
export function resizeColumns(
  source: usize,
  sourceStride: usize,
  firsts: usize,
  weights: usize,
  pairs: usize,
  tables: usize,
  samples: usize,
  size: i32,
  target: usize,
): void {
  const rowLength = size * 3;
  for (let y = 0; y < size; y++) {
    const row = source + <usize>load<i32>(firsts + ((<usize>y) << 2)) * sourceStride;
    const end = weights + (pairs << 3);
    let to = samples;
    for (let x = 0; x < rowLength; x += 12) {
      let at = row + <usize>x;
      let high0 = i32x4.splat(0);
      let high1 = i32x4.splat(0);
      let high2 = i32x4.splat(0);
      let low0 = i32x4.splat(HALF);
      let low1 = i32x4.splat(HALF);
      let low2 = i32x4.splat(HALF);
      for (let tap = weights; tap < end; tap += 8) {
        const high = v128.load32_splat(tap);
        const low = v128.load32_splat(tap, 4);
        const first = v128.load(at);
        const second = v128.load(at + sourceStride);
        // biome-ignore format: eight pairs a line
        const head = v128.shuffle<i8>(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        // biome-ignore format: eight pairs a line
        const tail = v128.shuffle<i8>(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const samples0 = i16x8.extend_low_i8x16_u(head);
        const samples1 = i16x8.extend_high_i8x16_u(head);
        const samples2 = i16x8.extend_low_i8x16_u(tail);
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(samples0, high));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(samples1, high));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(samples2, high));
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(samples0, low));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(samples1, low));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(samples2, low));
        at += sourceStride << 1;
      }
      const pixels = i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_s(sample(high0, low0), sample(high1, low1)),
        i16x8.narrow_i32x4_s(sample(high2, low2), low2),
      );
      // Twelve samples. The next ones overwrite the last four.
      v128.store(to, pixels);
      to += 12;
    }
    let from = samples;
    for (const end = from + <usize>rowLength; from < end; from += 3) {
      store<f32>(target, load<f32>(tables + ((<usize>load<u8>(from)) << 2)));
      store<f32>(target, load<f32>(tables + ((<usize>load<u8>(from, 1)) << 2), 1024), 4);
      store<f32>(target, load<f32>(tables + ((<usize>load<u8>(from, 2)) << 2), 2048), 8);
      target += 12;
    }
    weights = end;
  }
}

/** Four sums as samples, not yet clipped to 0–255. */
function sample(high: v128, low: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.shl(high, 8), low), PRECISION_BITS);
}
