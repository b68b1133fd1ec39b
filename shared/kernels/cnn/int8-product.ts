// AssemblyScript: a matrix product of 8-bit integers in relaxed WebAssembly SIMD, for which newer
// processors have an instruction that multiplies four times as many numbers as one of float32 does
// (x86: VNNI, ARM: dot product).
//
// The right factor is a network's weights, which are stored in 8 bits with a scale a column. The left
// one is quantized here, each row between its smallest and its largest value (dynamic quantization, a
// scale a row): `a ≈ step · q + least`, q from 0 to 127. So
// `a · b = step · scale · Σ q·w + least · scale · Σ w`, of which but the first sum depends on both.
// The instruction is exact for seven bits by eight only, and so are these sums on any processor.
import { copyFloats } from './copy-floats';
import { hasDotProduct, int8Tile6 } from './int8-tile';

const PANEL: i32 = 8;
/** Scales and sums of a panel's columns, in front of its weights. */
const HEAD: usize = 64;
/** The inner dimension is filled up with zeros to a multiple. */
const DEPTH_MULTIPLE: i32 = 16;
const TILE: i32 = 6;
/** Rows that are worked on together take as much: they stay in the L1 cache. */
const BLOCK_BYTES: i32 = 32 << 10;

function paddedDepth(k: i32): i32 {
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
 * `min(max(a · b + bias, low), high)`, row-major, float32.
 *
 * @param a `[m, k]`, float32
 * @param panels `b` as `packInt8Panels` leaves it
 * @param bias `[n]`, or 0 for none
 * @param work 97 KiB to work in, which is enough for `k` up to 16,384
 */
export function multiplyInt8(
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
  const padded = paddedDepth(k);
  const block = max(1, BLOCK_BYTES / padded / TILE) * TILE;
  const edge = work;
  const rowsAt = edge + TILE * 32 + 32;
  const integers = rowsAt + ((<usize>block) << 3);
  const lowest = f32x4.splat(low);
  const highest = f32x4.splat(high);
  const hasDot = hasDotProduct();
  const aBytes = (<usize>k) << 2;
  const outStride = (<usize>n) << 2;
  const panelBytes = HEAD + <usize>padded * PANEL;
  while (m > 0) {
    const rows = min(m, block);
    quantizeRows(a, rows, k, integers, rowsAt);
    let panel = panels;
    for (let column = 0; column < n; column += PANEL) {
      const width = min(PANEL, n - column);
      let bias0 = f32x4.splat(0);
      let bias1 = f32x4.splat(0);
      if (bias) {
        let from = bias + ((<usize>column) << 2);
        if (width < PANEL) {
          copyFloats(from, edge, width);
          from = edge;
        }
        bias0 = v128.load(from);
        bias1 = v128.load(from, 16);
      }
      let to = out + ((<usize>column) << 2);
      for (let row = 0; row < rows; row += TILE) {
        const left = integers + <usize>(row * padded);
        const scales = rowsAt + ((<usize>row) << 3);
        if (width === PANEL && rows - row >= TILE) {
          int8Tile6(
            hasDot,
            left,
            padded,
            panel,
            scales,
            bias0,
            bias1,
            lowest,
            highest,
            to,
            outStride,
          );
          to += outStride * TILE;
          continue;
        }
        int8Tile6(hasDot, left, padded, panel, scales, bias0, bias1, lowest, highest, edge, 32);
        for (let i: usize = 0; i < <usize>min(TILE, rows - row); i++) {
          copyFloats(edge + i * 32, to, width);
          to += outStride;
        }
      }
      panel += panelBytes;
    }
    a += <usize>rows * aBytes;
    out += <usize>rows * outStride;
    m -= rows;
  }
}

/**
 * @param to `[rows, padded]`, a byte each, from 0 to 127
 * @param scales `[rows, 2]`, float32: what a step is worth, and what 0 stands for; NaN for a row with
 *   a number that is not finite, of which pmin and pmax tell nothing
 */
function quantizeRows(a: usize, rows: i32, k: i32, to: usize, scales: usize): void {
  const half = f32x4.splat(0.5);
  const zero = f32x4.splat(0);
  for (let row = 0; row < rows; row++) {
    const end = a + ((<usize>k) << 2);
    let least: f32 = load<f32>(a);
    let most: f32 = least;
    if (k >= 4) {
      // The last four overlap those before: that changes no smallest and no largest value.
      let lows = v128.load(end - 16);
      let highs = lows;
      let lows1 = lows;
      let highs1 = lows;
      let check = f32x4.mul(lows, zero);
      let at = a;
      for (; at + 32 <= end; at += 32) {
        const x = v128.load(at);
        const x1 = v128.load(at, 16);
        check = f32x4.relaxed_madd(x, zero, check);
        check = f32x4.relaxed_madd(x1, zero, check);
        lows = f32x4.pmin(x, lows);
        highs = f32x4.pmax(x, highs);
        lows1 = f32x4.pmin(x1, lows1);
        highs1 = f32x4.pmax(x1, highs1);
      }
      if (at + 16 <= end) {
        const x = v128.load(at);
        check = f32x4.relaxed_madd(x, zero, check);
        lows = f32x4.pmin(x, lows);
        highs = f32x4.pmax(x, highs);
      }
      lows = f32x4.pmin(lows, lows1);
      highs = f32x4.pmax(highs, highs1);
      lows = f32x4.pmin(lows, v128.shuffle<f32>(lows, lows, 2, 3, 0, 1));
      highs = f32x4.pmax(highs, v128.shuffle<f32>(highs, highs, 2, 3, 0, 1));
      least = min(f32x4.extract_lane(lows, 0), f32x4.extract_lane(lows, 1));
      most = max(f32x4.extract_lane(highs, 0), f32x4.extract_lane(highs, 1));
      check = f32x4.add(check, v128.shuffle<f32>(check, check, 2, 3, 0, 1));
      most += f32x4.extract_lane(check, 0) + f32x4.extract_lane(check, 1);
    } else {
      for (let at = a; at < end; at += 4) {
        least = min(least, load<f32>(at));
        most = max(most, load<f32>(at));
      }
    }
    const range = most - least;
    store<f32>(scales, range / 127);
    store<f32>(scales + 4, least);
    const inverse: f32 = range > 0 ? 127 / range : 0;
    const base = f32x4.splat(least);
    const factor = f32x4.splat(inverse);
    let at = a;
    for (; at + 64 <= end; at += 64) {
      let x = f32x4.sub(v128.load(at), base);
      const step0 = i32x4.relaxed_trunc_f32x4_s(f32x4.relaxed_madd(x, factor, half));
      x = f32x4.sub(v128.load(at, 16), base);
      const step1 = i32x4.relaxed_trunc_f32x4_s(f32x4.relaxed_madd(x, factor, half));
      x = f32x4.sub(v128.load(at, 32), base);
      const step2 = i32x4.relaxed_trunc_f32x4_s(f32x4.relaxed_madd(x, factor, half));
      x = f32x4.sub(v128.load(at, 48), base);
      const step3 = i32x4.relaxed_trunc_f32x4_s(f32x4.relaxed_madd(x, factor, half));
      const left = i16x8.narrow_i32x4_s(step0, step1);
      const right = i16x8.narrow_i32x4_s(step2, step3);
      v128.store(to, i8x16.narrow_i16x8_s(left, right));
      to += 16;
    }
    if (at < end) {
      v128.store(to, i32x4.splat(0));
      let byte = to;
      for (; at < end; at += 4) {
        const step = <i32>((load<f32>(at) - least) * inverse + 0.5);
        store<u8>(byte++, <u8>step);
      }
      to += 16;
    }
    a = end;
    scales += 8;
  }
}
