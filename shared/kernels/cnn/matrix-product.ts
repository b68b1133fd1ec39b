// AssemblyScript: a float32 matrix product with bias and clamp in relaxed WebAssembly SIMD.
//
// The right factor is packed into panels, and the product is computed in tiles that stay in registers.
import { copyFloats } from './copy-floats';
import { int8PanelBytes } from './int8-panels';
import { PANEL, panelBias, panelBytes } from './panels';
import { isSparse, multiplySparse } from './sparse-product';
import { Product } from './tiles/arguments';
import { multiplyRow, widenPanel } from './tiles/int8-rows';
import { tile1, tile5, tile6 } from './tiles/matrix-tiles';

/** For fewer rows it does not pay to make float32 of 8-bit weights first. */
const MIN_ROWS: i32 = 4;
/** Rows that are worked on together take as much, so that they stay in the L2 cache. */
const BLOCK_BYTES: i32 = 256 << 10;

/**
 * `min(max(a · b + bias, low), high)`, row-major. `a` is `[m, k]`, `panels` is `b` as `packPanels` leaves it,
 * and `bias` is `[n]`, or 0 for none. It works in 64 bytes.
 */
export function multiply(product: Product): void {
  multiplyDense(product, false);
}

/**
 * The same for weights of 8 bits, which become float32 shortly before they are used: the memory has to bring
 * a quarter of the bytes. `panels` is `b` as `packInt8Panels` leaves it, and `k` is 3,072 at most. It works in
 * 96.5 KiB.
 */
export function multiplyInt8Weights(product: Product): void {
  if (product.m < MIN_ROWS) multiplyRows(product);
  else if (isSparse(product)) multiplySparse(product);
  else multiplyDense(product, true);
}

/** Few rows: a weight is used so seldom that it is made float32 where it is. */
function multiplyRows(product: Product): void {
  const k = product.k;
  const n = product.n;
  const lowest = f32x4.splat(product.low);
  const highest = f32x4.splat(product.high);
  const panelStride = <usize>int8PanelBytes(k, PANEL);
  const edge = product.work;
  let a = product.a;
  let out = product.out;
  for (let row = 0; row < product.m; row++) {
    let panel = product.panels;
    for (let column = 0; column < n; column += PANEL) {
      const width = min(PANEL, n - column);
      const from = panelBias(product.bias, column, n, edge);
      const bias0 = v128.load(from);
      const bias1 = v128.load(from, 16);
      multiplyRow(a, k, panel, bias0, bias1, lowest, highest, width < PANEL ? edge : out);
      if (width < PANEL) copyFloats(edge, out, width);
      panel += panelStride;
      out += (<usize>width) << 2;
    }
    a += (<usize>k) << 2;
  }
}

function multiplyDense(product: Product, isInt8: bool): void {
  const k = product.k;
  const n = product.n;
  const edge = product.work;
  const widened = edge + 64;
  const aStride = (<usize>k) << 2;
  const outStride = (<usize>n) << 2;
  const lowest = f32x4.splat(product.low);
  const highest = f32x4.splat(product.high);
  const panelStride = <usize>(isInt8 ? int8PanelBytes(k, PANEL) : panelBytes(k, PANEL));
  const block = max(6, (BLOCK_BYTES / <i32>aStride / 6) * 6);
  let a = product.a;
  let out = product.out;
  let left = product.m;
  while (left > 0) {
    // A short last block joins the one before it.
    const rows = left < block + (block >> 1) ? left : block;
    let panel = product.panels;
    for (let column = 0; column < n; column += PANEL) {
      const skip = (<usize>column) << 2;
      const width = n - column;
      let weights = panel;
      if (isInt8) {
        widenPanel(panel, 0, k, widened, PANEL << 2);
        weights = widened;
      }
      const from = panelBias(product.bias, column, n, edge + 32);
      if (width >= PANEL) {
        multiplyPanel(a, rows, aStride, weights, from, lowest, highest, out + skip, outStride);
      } else {
        for (let row = 0; row < rows; row++) {
          const line = a + <usize>row * aStride;
          multiplyPanel(line, 1, aStride, weights, from, lowest, highest, edge, outStride);
          copyFloats(edge, out + <usize>row * outStride + skip, width);
        }
      }
      panel += panelStride;
    }
    a += <usize>rows * aStride;
    out += <usize>rows * outStride;
    left -= rows;
  }
}

function multiplyPanel(
  a: usize,
  rows: i32,
  aStride: usize,
  panel: usize,
  bias: usize,
  low: v128,
  high: v128,
  out: usize,
  outStride: usize,
): void {
  const bias0 = v128.load(bias);
  const bias1 = v128.load(bias, 16);
  // Fives and sixes make up any number from 20 on, and leave no rows for the slow tile of one.
  let fives = (6 - (rows % 6)) % 6;
  if (fives * 5 > rows) fives = 0;
  for (; fives > 0; fives--) {
    tile5(a, aStride, panel, bias0, bias1, low, high, out, outStride);
    a += aStride * 5;
    out += outStride * 5;
    rows -= 5;
  }
  for (; rows >= 6; rows -= 6) {
    tile6(a, aStride, panel, bias0, bias1, low, high, out, outStride);
    a += aStride * 6;
    out += outStride * 6;
  }
  for (; rows > 0; rows--) {
    tile1(a, aStride, panel, bias0, bias1, low, high, out);
    a += aStride;
    out += outStride;
  }
}
