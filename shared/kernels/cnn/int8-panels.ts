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

/**
 * Rows of a panel as float32.
 *
 * @param panel of `packInt8Panels`
 * @param begin the first row, a multiple of four
 * @param to rows of eight values, `toStride` bytes apart, up to a multiple of four
 */
export function widenPanel(panel: usize, begin: i32, rows: i32, to: usize, toStride: usize): void {
  const scale0 = v128.load(panel);
  const scale1 = v128.load(panel, 16);
  let from = panel + HEAD + <usize>begin * PANEL;
  for (const end = from + <usize>rows * PANEL; from < end; ) {
    // A lane holds four rows of a column.
    const left = v128.load(from);
    const right = v128.load(from, 16);
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 24), 24)), scale0));
    v128.store(
      to,
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 24), 24)), scale1),
      16,
    );
    to += toStride;
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 16), 24)), scale0));
    v128.store(
      to,
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 16), 24)), scale1),
      16,
    );
    to += toStride;
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 8), 24)), scale0));
    v128.store(
      to,
      f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 8), 24)), scale1),
      16,
    );
    to += toStride;
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(left, 24)), scale0));
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(right, 24)), scale1), 16);
    to += toStride;
    from += 32;
  }
}

/**
 * Rows of a panel as bfloat16, the left four columns in the lower halves of four lanes, and the right four
 * in the upper ones; the columns' scales are left out.
 *
 * @param panel of `packInt8Panels`
 * @param begin the first row, a multiple of four
 * @param to rows of 16 bytes, `toStride` bytes apart, up to a multiple of four
 */
export function pairPanel(panel: usize, begin: i32, rows: i32, to: usize, toStride: usize): void {
  let from = panel + HEAD + <usize>begin * PANEL;
  for (const end = from + <usize>rows * PANEL; from < end; ) {
    // A lane holds four rows of a column.
    const left = v128.load(from);
    const right = v128.load(from, 16);
    let lower = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 24), 24)), 16);
    v128.store(to, v128.or(lower, f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 24), 24))));
    to += toStride;
    lower = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 16), 24)), 16);
    v128.store(to, v128.or(lower, f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 16), 24))));
    to += toStride;
    lower = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 8), 24)), 16);
    v128.store(to, v128.or(lower, f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 8), 24))));
    to += toStride;
    lower = i32x4.shr_u(f32x4.convert_i32x4_s(i32x4.shr_s(left, 24)), 16);
    v128.store(to, v128.or(lower, f32x4.convert_i32x4_s(i32x4.shr_s(right, 24))));
    to += toStride;
    from += 32;
  }
}

/**
 * A row of `min(max(a · b + bias, low), high)` for a panel's columns, in float32.
 *
 * @param a `[k]`
 * @param panel of `packInt8Panels`
 * @param out `[8]`
 */
export function multiplyRow(
  a: usize,
  k: i32,
  panel: usize,
  bias0: v128,
  bias1: v128,
  low: v128,
  high: v128,
  out: usize,
): void {
  let sum00 = f32x4.splat(0);
  let sum01 = f32x4.splat(0);
  let sum10 = f32x4.splat(0);
  let sum11 = f32x4.splat(0);
  let sum20 = f32x4.splat(0);
  let sum21 = f32x4.splat(0);
  let sum30 = f32x4.splat(0);
  let sum31 = f32x4.splat(0);
  let from = panel + HEAD;
  const end = a + ((<usize>k) << 2);
  for (const last = a + ((<usize>k & ~3) << 2); a < last; a += 16) {
    // A lane holds four rows of a column.
    const left = v128.load(from);
    const right = v128.load(from, 16);
    let x = v128.load32_splat(a);
    let weights = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 24), 24));
    sum00 = f32x4.relaxed_madd(x, weights, sum00);
    weights = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 24), 24));
    sum01 = f32x4.relaxed_madd(x, weights, sum01);
    x = v128.load32_splat(a, 4);
    weights = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 16), 24));
    sum10 = f32x4.relaxed_madd(x, weights, sum10);
    weights = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 16), 24));
    sum11 = f32x4.relaxed_madd(x, weights, sum11);
    x = v128.load32_splat(a, 8);
    weights = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(left, 8), 24));
    sum20 = f32x4.relaxed_madd(x, weights, sum20);
    weights = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(right, 8), 24));
    sum21 = f32x4.relaxed_madd(x, weights, sum21);
    x = v128.load32_splat(a, 12);
    sum30 = f32x4.relaxed_madd(x, f32x4.convert_i32x4_s(i32x4.shr_s(left, 24)), sum30);
    sum31 = f32x4.relaxed_madd(x, f32x4.convert_i32x4_s(i32x4.shr_s(right, 24)), sum31);
    from += 32;
  }
  for (let shift = 24; a < end; a += 4, shift -= 8) {
    const x = v128.load32_splat(a);
    const left = i32x4.shr_s(i32x4.shl(v128.load(from), shift), 24);
    const right = i32x4.shr_s(i32x4.shl(v128.load(from, 16), shift), 24);
    sum00 = f32x4.relaxed_madd(x, f32x4.convert_i32x4_s(left), sum00);
    sum01 = f32x4.relaxed_madd(x, f32x4.convert_i32x4_s(right), sum01);
  }
  sum00 = f32x4.add(f32x4.add(sum00, sum10), f32x4.add(sum20, sum30));
  sum01 = f32x4.add(f32x4.add(sum01, sum11), f32x4.add(sum21, sum31));
  sum00 = f32x4.relaxed_madd(sum00, v128.load(panel), bias0);
  sum01 = f32x4.relaxed_madd(sum01, v128.load(panel, 16), bias1);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum00, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum01, low), high), 16);
}
