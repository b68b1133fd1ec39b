// AssemblyScript: panels of eight columns of a product's right factor, so that the innermost loop reads it
// in order.
import { copyFloats } from './copy-floats';

/** Columns of a panel. */
export const PANEL: i32 = 8;

/** What `packPanels` makes of a `[k, n]` matrix takes as much. */
export function panelBytes(k: i32, n: i32): i32 {
  return ((n + PANEL - 1) / PANEL) * PANEL * k * 4;
}

/**
 * Packs a row-major `[k, n]` matrix into `[ceil(n / 8), k, 8]`; columns past the last are zeros.
 */
export function packPanels(from: usize, k: i32, n: i32, to: usize): void {
  const rowBytes = (<usize>n) << 2;
  for (let column = 0; column < n; column += PANEL) {
    const width = min(PANEL, n - column);
    let at = from + ((<usize>column) << 2);
    for (let row = 0; row < k; row++) {
      if (width === PANEL) {
        v128.store(to, v128.load(at));
        v128.store(to, v128.load(at, 16), 16);
      } else {
        v128.store(to, f32x4.splat(0));
        v128.store(to, f32x4.splat(0), 16);
        copyFloats(at, to, width);
      }
      at += rowBytes;
      to += PANEL << 2;
    }
  }
}

/**
 * Where a panel's eight biases can be loaded from: where they are, if they are all there.
 *
 * @param bias `[n]`, or 0 for none
 * @param edge 32 bytes to put them in else
 */
export function panelBias(bias: usize, column: i32, n: i32, edge: usize): usize {
  const from = bias + ((<usize>column) << 2);
  if (bias && n - column >= PANEL) return from;
  v128.store(edge, f32x4.splat(0));
  v128.store(edge, f32x4.splat(0), 16);
  if (bias) copyFloats(from, edge, n - column);
  return edge;
}
