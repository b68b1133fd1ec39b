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
import { CodeProduct, Product } from './tiles/arguments';
import { int8Tile1, int8Tile6 } from './tiles/int8-tile';
import { quantizeRows } from './tiles/quantized-rows';

const TILE: i32 = 6;
/** Rows that are worked on together take as much: they stay in the L1 cache. */
const BLOCK_BYTES: i32 = 32 << 10;
/** A tile, and a panel's biases. */
const EDGE_BYTES: usize = <usize>TILE * 32 + 32;

/**
 * `min(max(a · b + bias, low), high)`, row-major, float32. `a` is `[m, k]`, float32, `panels` is `b` as
 * `packInt8Panels` leaves it, `bias` is `[n]`, or 0 for none, and `k` is 16,384 at most. It works in 96.5 KiB.
 */
export function multiplyInt8(product: Product): void {
  const k = product.k;
  const padded = paddedDepth(k);
  const block = blockRows(padded);
  const scales = product.work + EDGE_BYTES;
  const codes = scales + ((<usize>block) << 3);
  const aBytes = (<usize>k) << 2;
  for (let row = 0; row < product.m; row += block) {
    const rows = min(block, product.m - row);
    quantizeRows(product.a + <usize>row * aBytes, rows, k, codes, scales);
    multiplyRows(product, row, rows, codes, padded, scales);
  }
}

/**
 * The same for a left factor of codes: whole numbers from 0 to 127, a byte each, which are worth `step`. `k` is a multiple of
 * 16, and `a` has room for five rows more.
 */
export function multiplyCodes(product: CodeProduct): void {
  const k = product.k;
  const block = blockRows(k);
  const scales = product.work + EDGE_BYTES;
  for (let i: usize = 0; i < <usize>block; i++) {
    store<f32>(scales + (i << 3), product.step);
    store<f32>(scales + (i << 3), 0, 4);
  }
  for (let row = 0; row < product.m; row += block) {
    const codes = product.a + <usize>(row * k);
    multiplyRows(product, row, min(block, product.m - row), codes, k, scales);
  }
}

function blockRows(padded: i32): i32 {
  return max(1, BLOCK_BYTES / padded / TILE) * TILE;
}

/** @param codes of the rows from `begin` on, and `scales`, as `quantizeRows` leaves them */
function multiplyRows(
  product: Product,
  begin: i32,
  rows: i32,
  codes: usize,
  padded: i32,
  scales: usize,
): void {
  const n = product.n;
  const edge = product.work;
  const lowest = f32x4.splat(product.low);
  const highest = f32x4.splat(product.high);
  const hasDot = hasDotProduct();
  const outStride = (<usize>n) << 2;
  const panelBytes = HEAD + <usize>padded * PANEL;
  const out = product.out + <usize>begin * outStride;
  let panel = product.panels;
  for (let column = 0; column < n; column += PANEL) {
    const width = min(PANEL, n - column);
    const from = panelBias(product.bias, column, n, edge);
    const bias0 = v128.load(from);
    const bias1 = v128.load(from, 16);
    let to = out + ((<usize>column) << 2);
    for (let row = 0; row < rows; row += TILE) {
      const left = codes + <usize>(row * padded);
      const steps = scales + ((<usize>row) << 3);
      if (width === PANEL && rows - row >= TILE) {
        int8Tile6(hasDot, left, padded, panel, steps, bias0, bias1, lowest, highest, to, outStride);
        to += outStride * TILE;
        continue;
      }
      if (rows - row === 1)
        int8Tile1(hasDot, left, padded, panel, steps, bias0, bias1, lowest, highest, edge);
      else int8Tile6(hasDot, left, padded, panel, steps, bias0, bias1, lowest, highest, edge, 32);
      for (let i: usize = 0; i < <usize>min(TILE, rows - row); i++) {
        copyFloats(edge + i * 32, to, width);
        to += outStride;
      }
    }
    panel += panelBytes;
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
