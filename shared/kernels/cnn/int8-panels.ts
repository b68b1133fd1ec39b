// AssemblyScript: panels of eight columns of 8-bit weights, in the order in which the product of integers
// reads them.
import { PANEL } from './panels';

/** Scales and sums of a panel's columns, in front of its weights. */
export const HEAD: usize = 64;
/** The inner dimension is filled up with zeros to a multiple. */
const DEPTH_MULTIPLE: i32 = 16;

export function paddedDepth(k: i32): i32 {
  return (k + DEPTH_MULTIPLE - 1) & -DEPTH_MULTIPLE;
}

/** What `packInt8Panels` makes of a `[k, n]` matrix takes as much. */
export function int8PanelBytes(k: i32, n: i32): i32 {
  return ((n + PANEL - 1) / PANEL) * (<i32>HEAD + paddedDepth(k) * PANEL);
}

/**
 * Packs a row-major `[k, n]` matrix into `[ceil(n / 8)]` panels: the scales of eight columns, the
 * sums of their weights, and `[ceil(k / 16) · 4, 8, 4]` weights. Columns past the last
 * are zeros.
 *
 * @param codes `[k, n]`, a byte each, of which 128 stands for 0
 * @param scales `[channels]`, float32: `n`, or one for all
 */
export function packInt8Panels(
  codes: usize,
  k: i32,
  n: i32,
  scales: usize,
  channels: i32,
  to: usize,
): void {
  const groups = paddedDepth(k) >> 2;
  const ones = i8x16.splat(1);
  for (let column = 0; column < n; column += PANEL) {
    const width = min(PANEL, n - column);
    const from = codes + <usize>column;
    let sum0 = i32x4.splat(0);
    let sum1 = i32x4.splat(0);
    let weights = to + HEAD;
    for (let row = 0; row < groups << 2; row += 4) {
      const at = from + <usize>row * <usize>n;
      if (width === PANEL && row + 4 <= k) interleave(at, n, weights);
      else gather(at, k - row, n, width, weights);
      // Products with one: the sums of four weights each.
      sum0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights), ones, sum0);
      sum1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(weights, 16), ones, sum1);
      weights += PANEL << 2;
    }
    for (let i = 0; i < PANEL; i++) {
      const scale = channels === 1 ? scales : scales + ((<usize>(column + i)) << 2);
      store<f32>(to + ((<usize>i) << 2), i < width ? load<f32>(scale) : 0);
    }
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(sum0), v128.load(to)), 32);
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(sum1), v128.load(to, 16)), 48);
    to = weights;
  }
}

/** Four rows of eight codes, to eight columns of four weights. */
function interleave(from: usize, rowBytes: usize, to: usize): void {
  const zero = i8x16.splat(-128);
  const row0 = v128.xor(v128.load64_zero(from), zero);
  const row1 = v128.xor(v128.load64_zero(from + rowBytes), zero);
  const row2 = v128.xor(v128.load64_zero(from + rowBytes * 2), zero);
  const row3 = v128.xor(v128.load64_zero(from + rowBytes * 3), zero);
  // biome-ignore format: pairs
  const upper = v128.shuffle<i8>(row0, row1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  // biome-ignore format: pairs
  const lower = v128.shuffle<i8>(row2, row3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  v128.store(to, v128.shuffle<i16>(upper, lower, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(to, v128.shuffle<i16>(upper, lower, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** The same where there are fewer than four rows or eight columns; the rest are zeros. */
function gather(from: usize, rows: i32, rowBytes: usize, columns: i32, to: usize): void {
  v128.store(to, i32x4.splat(0));
  v128.store(to, i32x4.splat(0), 16);
  for (let row: usize = 0; row < <usize>min(max(rows, 0), 4); row++) {
    for (let column: usize = 0; column < <usize>columns; column++) {
      const code = load<u8>(from + row * rowBytes + column);
      store<i8>(to + (column << 2) + row, <i8>(<i32>code - 128));
    }
  }
}
