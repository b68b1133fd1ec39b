import type { Nclx } from './avif-header.ts';
import { type Av1Frame, type Av1Plane, layouts } from './dav1d.ts';

const identity = 0;
const yCgCo = 8;
const bt601 = [0.299, 0.114] as const;

/** Weights of red and blue in luma, by matrix. @see ITU-T H.273, table 4 */
const lumaWeights: Readonly<Record<number, readonly [red: number, blue: number]>> = {
  1: [0.2126, 0.0722],
  4: [0.3, 0.11],
  5: bt601,
  6: bt601,
  7: [0.212, 0.087],
  9: [0.2627, 0.0593],
};

/** Writes row `y` of a frame with 8 bits per sample. */
type WriteRow = (y: number, to: Uint8ClampedArray) => void;

/**
 * Converts a frame's samples to RGBA, without touching alpha. A matrix that is unknown or not stated counts
 * as BT.601, which most such images use.
 *
 * @param isSmooth whether chroma of a lower resolution is interpolated, as in browsers and Pillow, or
 *   repeated, which is as good where the image is reduced anyway
 */
export function rgbaWriter(
  frame: Av1Frame,
  { matrix, isFullRange }: Nclx,
  isSmooth: boolean,
): WriteRow {
  const { width, depth, layout, planes } = frame;
  const [yPlane, uPlane, vPlane] = planes;
  if (!uPlane || !vPlane) return greyWriter(frame, isFullRange, 4);
  const luma = rangeOf(depth, isFullRange, false);
  const chroma = rangeOf(depth, isFullRange, matrix !== identity);
  const [[ry, ru, rv], [gy, gu, gv], [by, bu, bv]] = weightsOf(matrix);
  const columnShift = layout === layouts[444] ? 0 : 1;
  const rowShift = layout === layouts[420] ? 1 : 0;
  const isInterpolated = isSmooth && columnShift === 1;
  const shift = isInterpolated ? 0 : columnShift;
  const readChroma = (plane: Av1Plane): ((row: number) => Samples) =>
    isInterpolated ? interpolator(frame, plane) : (row) => rowOf(plane, row >> rowShift);
  const [readU, readV] = [readChroma(uPlane), readChroma(vPlane)];
  return (row, rgba) => {
    const ys = rowOf(yPlane, row);
    const us = readU(row);
    const vs = readV(row);
    for (let x = 0, to = 0; x < width; x++, to += 4) {
      const y = ((ys[x] as number) - luma.zero) * luma.scale;
      const u = ((us[x >> shift] as number) - chroma.zero) * chroma.scale;
      const v = ((vs[x >> shift] as number) - chroma.zero) * chroma.scale;
      // The array rounds and clamps.
      rgba[to] = ry * y + ru * u + rv * v;
      rgba[to + 1] = gy * y + gu * u + gv * v;
      rgba[to + 2] = by * y + bu * u + bv * v;
    }
  };
}

/**
 * Converts a frame's luma to grey or to alpha.
 *
 * @param channels 1, or 4 for RGBA, whose alpha is not touched
 */
export function greyWriter(frame: Av1Frame, isFullRange: boolean, channels: 1 | 4): WriteRow {
  const { width, depth, planes } = frame;
  const { zero, scale } = rangeOf(depth, isFullRange, false);
  return (row, out) => {
    const ys = rowOf(planes[0], row);
    for (let x = 0, to = 0; x < width; x++, to += channels) {
      const grey = ((ys[x] as number) - zero) * scale;
      out[to] = grey;
      if (channels === 1) continue;
      out[to + 1] = grey;
      out[to + 2] = grey;
    }
  };
}

type Samples = Uint8Array | Uint16Array;

function rowOf({ samples, stride }: Av1Plane, row: number): Samples {
  return samples.subarray(row * stride, (row + 1) * stride);
}

/**
 * Interpolates chroma linearly between samples that lie in the middle of their pixels, with the rounding
 * of libyuv.
 *
 * @returns reads row `y`, one sample a pixel, valid until the next one
 */
function interpolator(
  { width, height, depth, layout }: Av1Frame,
  plane: Av1Plane,
): (y: number) => Samples {
  const isHalved = layout === layouts[420];
  const columns = (width + 1) >> 1;
  const lastRow = isHalved ? ((height + 1) >> 1) - 1 : height - 1;
  const sums = new Uint16Array(columns);
  const out = depth > 8 ? new Uint16Array(width) : new Uint8Array(width);
  return (y) => {
    const near = isHalved ? y >> 1 : y;
    const beside = isHalved ? Math.min(Math.max(near + (y & 1 ? 1 : -1), 0), lastRow) : near;
    const [a, b] = [rowOf(plane, near), rowOf(plane, beside)];
    for (let column = 0; column < columns; column++) {
      sums[column] = 3 * (a[column] as number) + (b[column] as number);
    }
    for (let x = 0; x < width; x++) {
      const column = x >> 1;
      const other = Math.min(Math.max(column + (x & 1 ? 1 : -1), 0), columns - 1);
      out[x] = (3 * (sums[column] as number) + (sums[other] as number) + 8) >> 4;
    }
    return out;
  };
}

/** The sample that means 0, and the factor that makes the end of the range 255. */
function rangeOf(
  depth: number,
  isFullRange: boolean,
  isChroma: boolean,
): { readonly zero: number; readonly scale: number } {
  const unit = 2 ** (depth - 8);
  const zero = isChroma ? 128 * unit : isFullRange ? 0 : 16 * unit;
  const range = isFullRange ? 2 ** depth - 1 : (isChroma ? 224 : 219) * unit;
  return { zero, scale: 255 / range };
}

type Weights = readonly [y: number, u: number, v: number];

/** Red, green and blue as sums of Y, U and V. @see ITU-T H.273, 8.3 */
function weightsOf(matrix: number): readonly [Weights, Weights, Weights] {
  if (matrix === identity) {
    return [
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ];
  }
  if (matrix === yCgCo) {
    return [
      [1, -1, 1],
      [1, 1, 0],
      [1, -1, -1],
    ];
  }
  const [red, blue] = lumaWeights[matrix] ?? bt601;
  const green = 1 - red - blue;
  const [blueFromU, redFromV] = [2 * (1 - blue), 2 * (1 - red)];
  return [
    [1, 0, redFromV],
    [1, (-blueFromU * blue) / green, (-redFromV * red) / green],
    [1, blueFromU, 0],
  ];
}
