import { bicubicTaps } from './bicubic-taps.ts';

/** The exports of `resize.wasm`; `kernels/resize.ts` explains the parameters. */
export interface ResizeKernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  resizeRows(
    source: number,
    sourceStride: number,
    channels: number,
    picks: number,
    rowCount: number,
    firsts: number,
    weights: number,
    pairs: number,
    size: number,
    target: number,
    targetStride: number,
  ): void;
  resizeColumns(
    source: number,
    sourceStride: number,
    firsts: number,
    weights: number,
    pairs: number,
    tables: number,
    samples: number,
    size: number,
    target: number,
  ): void;
}

/** Rows of an image that are in the kernel's memory at once. A multiple of its four. */
export const BAND_ROWS = 16;

/** The layout of the kernel's memory, as addresses and as views. */
export type Layout = ReturnType<typeof layOut>;

/**
 * Lays out the kernel's memory to resize a square of `side` to one of `size`, and writes the taps into it.
 * The memory grows if necessary; the previous layout becomes invalid.
 */
export function layOut(kernel: ResizeKernel, side: number, size: number) {
  const { first, pairs, weights } = bicubicTaps(side, size);
  // The vertical pass reads 16 bytes at a time.
  const stride = size * 3 + 16;
  let end = 0;
  const take = (bytes: number): number => {
    const begin = end;
    end += Math.ceil(bytes / 16) * 16;
    return begin;
  };
  const at = {
    picks: take(16),
    tables: take(3 * 256 * 4),
    firsts: take(first.byteLength),
    weights: take(weights.byteLength),
    // Surplus taps and rows reach beyond the end.
    band: take(BAND_ROWS * side * 4 + pairs * 8),
    rows: take((side + 3 + pairs * 2) * stride),
    // The last vector of a row extends beyond it.
    samples: take(size * 3 + 16),
    target: take(size * size * 12),
  };
  const { memory } = kernel;
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
  const { buffer } = memory;
  new Int32Array(buffer, at.firsts, size).set(first);
  new Int16Array(buffer, at.weights, weights.length).set(weights);
  return {
    side,
    size,
    at,
    pairs,
    stride,
    picks: new Uint8Array(buffer, at.picks, 16),
    /** One per channel. */
    tables: [0, 1, 2].map((channel) => new Float32Array(buffer, at.tables + channel * 1024, 256)),
    band: new Uint8Array(buffer, at.band, BAND_ROWS * side * 4),
    target: new Float32Array(buffer, at.target, size * size * 3),
  };
}
