// AssemblyScript: the left factor of a convolution in integers: what lies under the filter at each output pixel,
// as `convolveCodes` reads it.
import { paddedDepth } from '../int8-panels';
import { Patches } from '../tiles/arguments';
import { quantizeRow } from '../tiles/quantized-rows';

const VECTOR: usize = 16;

/**
 * Quantizes images, each between its smallest and its largest value, of which 0 is between, and copies what lies under the
 * filter at each output pixel to a row: `[batch · outHeight · outWidth, parts, filterHeight · filterWidth · channels]`, a byte
 * each. A factor of the product has 7 bits, so a number that is to have more is the sum of `parts` from 0 to 127; each part is
 * in a multiple of 16 bytes, of which the last ones say nothing. There is room for 16 bytes more.
 * `scales` become those of `quantizeRows`.
 *
 * @returns whether the `workBytes` to work in were enough; else nothing was computed
 */
export function quantizePatches(p: Patches): bool {
  const channels = p.channels;
  const filterHeight = p.filterHeight;
  const imageLine = <usize>(p.width * channels);
  const left = <usize>(p.padLeft * channels);
  const runBytes = <usize>(p.filterWidth * channels);
  const stepBytes = <usize>(p.strideX * channels);
  const under = stepBytes * <usize>(p.outWidth - 1) + runBytes;
  const lineBytes = max(under, left + imageLine) + VECTOR;
  const linesBytes = lineBytes * <usize>filterHeight;
  const parts = p.parts;
  if (<i32>linesBytes * parts > p.workBytes) return false;
  const partBytes = <usize>paddedDepth(filterHeight * <i32>runBytes);
  const pixels = p.outHeight * p.outWidth;
  let x = p.x;
  let row = p.rows;
  let scales = p.scales;
  for (let b = 0; b < p.batch; b++) {
    const imageBytes = (imageLine * <usize>p.height) << 2;
    putScale(x, imageBytes, <f32>parts * 127, scales);
    const scale = load<u64>(scales);
    for (let i = 0; i < pixels; i++) {
      store<u64>(scales, scale);
      scales += 8;
    }
    const step = load<f32>(scales - 8) * <f32>parts;
    const least = load<f32>(scales - 4);
    const inverse: f32 = step > 0 ? 1.0 / step : 0;
    const inverses = f32x4.splat(inverse);
    for (let outY = 0; outY < p.outHeight; outY++) {
      let line = p.work;
      for (let part = 0; part < parts; part++) {
        // round(parts · x) is the sum of floor(x + 0.5 / parts), floor(x + 1.5 / parts) and so on.
        const rounding = (<f32>part + 0.5) / <f32>parts;
        const leasts = f32x4.splat(least + (<f32>0.5 - rounding) * step);
        const zero = <u8>(rounding - least * inverse);
        for (let y = outY * p.strideY - p.padTop, end = y + filterHeight; y < end; y++) {
          if (y >= 0 && y < p.height) {
            const from = x + ((imageLine * <usize>y) << 2);
            memory.fill(line, zero, left);
            quantizeRow(from, imageLine << 2, line + left, leasts, inverses);
            const right = left + imageLine;
            memory.fill(line + right, zero, lineBytes - right);
          } else memory.fill(line, zero, lineBytes);
          line += lineBytes;
        }
      }
      for (let outX = 0; outX < p.outWidth; outX++) {
        let from = p.work + stepBytes * <usize>outX;
        for (let part = 0; part < parts; part++) {
          copyRuns(from, lineBytes, from + linesBytes, row, runBytes);
          from += linesBytes;
          row += partBytes;
        }
      }
    }
    x += imageBytes;
  }
  return true;
}

/** What is copied beyond a run, a line of the filter, the next one is copied over. */
function copyRuns(from: usize, lineBytes: usize, end: usize, to: usize, runBytes: usize): void {
  for (; from < end; from += lineBytes) {
    for (let i: usize = 0; i < runBytes; i += VECTOR) v128.store(to + i, v128.load(from + i));
    to += runBytes;
  }
}

/** Puts what a step is worth, and what 0 stands for; NaN where a number is not finite. */
function putScale(x: usize, bytes: usize, steps: f32, to: usize): void {
  let lows = f32x4.splat(0);
  let highs = lows;
  let sums = lows;
  const end = x + bytes;
  for (const last = x + (bytes & ~63); x < last; x += 64) {
    const value0 = v128.load(x);
    const value1 = v128.load(x, 16);
    const value2 = v128.load(x, 32);
    const value3 = v128.load(x, 48);
    const low = f32x4.pmin(f32x4.pmin(value0, value1), f32x4.pmin(value2, value3));
    const high = f32x4.pmax(f32x4.pmax(value0, value1), f32x4.pmax(value2, value3));
    const sum = f32x4.add(f32x4.add(value0, value1), f32x4.add(value2, value3));
    lows = f32x4.pmin(low, lows);
    highs = f32x4.pmax(high, highs);
    sums = f32x4.add(sum, sums);
  }
  for (; x < end; x += 4) {
    const value = v128.load32_splat(x);
    lows = f32x4.pmin(value, lows);
    highs = f32x4.pmax(value, highs);
    sums = f32x4.add(value, sums);
  }
  // A number that is not finite, of which pmin and pmax tell nothing, makes NaN of all.
  lows = f32x4.add(lows, f32x4.mul(sums, f32x4.splat(0)));
  lows = f32x4.min(lows, v128.shuffle<i32>(lows, lows, 2, 3, 0, 1));
  highs = f32x4.max(highs, v128.shuffle<i32>(highs, highs, 2, 3, 0, 1));
  const least = min(f32x4.extract_lane(lows, 0), f32x4.extract_lane(lows, 1));
  const most = max(f32x4.extract_lane(highs, 0), f32x4.extract_lane(highs, 1));
  store<f32>(to, (most - least) / steps);
  store<f32>(to, least, 4);
}
