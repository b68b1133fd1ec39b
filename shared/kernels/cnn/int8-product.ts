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
import { HEAD, paddedDepth } from './int8-panels';
import { PANEL, panelBias } from './panels';
import { Product } from './tiles/arguments';
import { int8Tile6 } from './tiles/int8-tile';

const TILE: i32 = 6;
/** Rows that are worked on together take as much: they stay in the L1 cache. */
const BLOCK_BYTES: i32 = 32 << 10;

/**
 * `min(max(a · b + bias, low), high)`, row-major, float32. `a` is `[m, k]`, float32, `panels` is `b` as
 * `packInt8Panels` leaves it, `bias` is `[n]`, or 0 for none, and `k` is 16,384 at most. It works in 96.5 KiB.
 */
export function multiplyInt8(product: Product): void {
  const k = product.k;
  const n = product.n;
  const padded = paddedDepth(k);
  const block = max(1, BLOCK_BYTES / padded / TILE) * TILE;
  const edge = product.work;
  const rowsAt = edge + TILE * 32 + 32;
  const integers = rowsAt + ((<usize>block) << 3);
  const lowest = f32x4.splat(product.low);
  const highest = f32x4.splat(product.high);
  const hasDot = hasDotProduct();
  const aBytes = (<usize>k) << 2;
  const outStride = (<usize>n) << 2;
  const panelBytes = HEAD + <usize>padded * PANEL;
  let a = product.a;
  let out = product.out;
  let rest = product.m;
  while (rest > 0) {
    const rows = min(rest, block);
    quantizeRows(a, rows, k, integers, rowsAt);
    let panel = product.panels;
    for (let column = 0; column < n; column += PANEL) {
      const width = min(PANEL, n - column);
      const from = panelBias(product.bias, column, n, edge);
      const bias0 = v128.load(from);
      const bias1 = v128.load(from, 16);
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
    rest -= rows;
  }
}

/**
 * Whether the processor has an instruction that adds four products to a sum, and V8 uses it: it knows VNNI in
 * its VEX encoding only, so not on Zen 4. An x86 without it shows itself where the second factor is not of
 * seven bits, as here: V8 then adds pairs in 16 bits, which hold 32,767 at most. An ARM does not: V8's first,
 * quick translation computes without the instruction what its good one computes with it.
 */
export function hasDotProduct(): bool {
  const sums = i32x4.relaxed_dot_i8x16_i7x16_add_s(
    i8x16.splat(127),
    i8x16.splat(-1),
    i32x4.splat(0),
  );
  return i32x4.extract_lane(sums, 0) !== 2 * 32_767;
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
