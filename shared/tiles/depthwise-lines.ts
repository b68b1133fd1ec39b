import { unroll } from './unroll.ts';

/**
 * Output pixels whose sums are in registers at a time, with five weights and an input value: of
 * eight, some would not be.
 */
const PIXELS = 7;

const sums = Array.from({ length: PIXELS }, (_, pixel) => `sum${pixel}`);

/**
 * A line of a depthwise convolution's output, four channels of it, for each width and step of a filter. The
 * input is in planes of such channels, with its padding: see depthwise.ts. It is unrolled for the reasons
 * that matrix-tiles.ts gives.
 */
export function depthwiseLines(): string {
  return `/** Output pixels whose sums are in registers at a time. */
export const TILE: i32 = ${PIXELS};

/** Of the input's plane, in bytes. */
export let lineStride: usize = 0;
/** A plane's bias and weights. */
export let weightBytes: usize = 0;
export let outPixels: i32 = 0;
/** Of the output, in bytes. */
export let pixelStride: usize = 0;
let lowest: v128 = f32x4.splat(0);
let highest: v128 = f32x4.splat(0);

export function setLines(
  lineBytes: usize,
  taps: i32,
  outWidth: i32,
  pixelBytes: usize,
  low: f32,
  high: f32,
): void {
  lineStride = lineBytes;
  weightBytes = (<usize>(1 + taps)) << 4;
  outPixels = outWidth;
  pixelStride = pixelBytes;
  lowest = f32x4.splat(low);
  highest = f32x4.splat(high);
}

/** A filter 3 wide that moves one pixel to the right. */
${line(3, 1)}

/** A filter 3 wide that moves two pixels to the right. */
${line(3, 2)}

/** A filter 5 wide that moves one pixel to the right. */
${line(5, 1)}

/** A filter 5 wide that moves two pixels to the right. */
${line(5, 2)}

/** At the end of a line, or where fewer than four channels are left. */
function storePart(
  to: usize,
  pixels: i32,
  count: i32,
${unroll(PIXELS, (pixel) => `  sum${pixel}: v128,`)}
): void {
  const stride = pixelStride;
  const low = lowest;
  const high = highest;
${unroll(PIXELS, (pixel) => `  sum${pixel} = ${clamped(pixel)};`)}
  const to1 = to + stride;
${unroll(PIXELS - 2, (i) => `  const to${i + 2} = to${i + 1} + stride;`)}
  storeSome(to, sum0, count);
${unroll(PIXELS - 1, (i) => `  if (pixels > ${i + 1}) storeSome(to${i + 1}, sum${i + 1}, count);`)}
}

function storeSome(to: usize, values: v128, count: i32): void {
  if (count > 3) {
    v128.store(to, values);
    return;
  }
  v128.store32_lane(to, values, 0);
  if (count > 1) v128.store32_lane(to, values, 1, 4);
  if (count > 2) v128.store32_lane(to, values, 2, 8);
}`;
}

function line(width: number, step: number): string {
  return `export function line${width}By${step}(line: usize, bias: usize, to: usize, count: i32): void {
  const stride = lineStride;
  const pixelBytes = pixelStride;
  const low = lowest;
  const high = highest;
  const last = bias + weightBytes;
  for (let pixels = outPixels; pixels > 0; pixels -= ${PIXELS}) {
    let from = line;
    let sum0 = v128.load(bias);
${unroll(PIXELS - 1, (i) => `    let sum${i + 1} = sum0;`)}
    let weights = bias + 16;
    do {
      let x = v128.load(from);
${unroll(width, (tap) => `      const w${tap} = v128.load(weights, ${tap * 16});`)}
${unroll((PIXELS - 1) * step + width, (column) => [
  ...(column > 0 ? [`      x = v128.load(from, ${column * 32});`] : []),
  ...sums.flatMap((sum, pixel) => {
    const tap = column - pixel * step;
    const isUnderFilter = tap >= 0 && tap < width;
    return isUnderFilter ? [`      ${sum} = f32x4.relaxed_madd(x, w${tap}, ${sum});`] : [];
  }),
])}
      from += stride;
      weights += ${width * 16};
    } while (weights < last);
    if (pixels >= ${PIXELS} && count > 3) {
      v128.store(to, ${clamped(0)});
      let at = to + pixelBytes;
      v128.store(at, ${clamped(1)});
${unroll(PIXELS - 2, (i) => ['      at += pixelBytes;', `      v128.store(at, ${clamped(i + 2)});`])}
    } else storePart(to, pixels, count, ${sums.join(', ')});
    to += pixelStride * ${PIXELS};
    line += ${PIXELS * step * 32};
  }
}`;
}

function clamped(pixel: number): string {
  return `f32x4.pmin(f32x4.pmax(sum${pixel}, low), high)`;
}
