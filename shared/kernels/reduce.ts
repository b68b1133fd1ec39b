// AssemblyScript: lays pixels over white and averages squares of them, in WebAssembly SIMD. The caller
// lays out the memory: see src/images/reduce/pixel-sink.ts. After a change: `pnpm --filter shared build`.
//
// The sums of a square are four u32: of its samples times their alpha, over white, and of its alphas
// times 255.

/**
 * Adds pixels of one row to their squares' sums.
 *
 * @param source RGBA, not multiplied by alpha
 * @param count of pixels
 * @param x position of the first one; the first square begins at 0
 * @param step from one pixel's position to the next one's
 * @param sums of the row of squares, `columns` × 16 bytes
 * @param reduction side of a square
 */
export function addPixels(
  source: usize,
  count: i32,
  x: i32,
  step: i32,
  sums: usize,
  columns: i32,
  reduction: i32,
): void {
  const end = source + ((<usize>count) << 2);
  for (; x < 0 && source < end; source += 4) x += step;
  while (source < end) {
    const column = x / reduction;
    if (column >= columns) return;
    const missing = ((column + 1) * reduction - x + step - 1) / step;
    const squareEnd = min(end, source + ((<usize>missing) << 2));
    const pixels = <i32>((squareEnd - source) >>> 2);
    x += pixels * step;
    const sum = sums + ((<usize>column) << 4);
    v128.store(sum, i32x4.add(v128.load(sum), sumOf(source, squareEnd, pixels)));
    source = squareEnd;
  }
}

/** At most 256 pixels, so that 16 bits hold half of their samples. */
function sumOf(source: usize, end: usize, count: i32): v128 {
  let halves = i16x8.splat(0);
  let at = source;
  for (; at + 16 <= end; at += 16) {
    const four = v128.load(at);
    halves = i16x8.add(halves, i16x8.extend_low_i8x16_u(four));
    halves = i16x8.add(halves, i16x8.extend_high_i8x16_u(four));
  }
  for (; at < end; at += 4) {
    halves = i16x8.add(halves, i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
  }
  const opaque = i32x4.add(i32x4.extend_low_i16x8_u(halves), i32x4.extend_high_i16x8_u(halves));
  if (i32x4.extract_lane(opaque, 3) === 255 * count) return i32x4.mul(opaque, i32x4.splat(255));
  let sum = i32x4.splat(0);
  for (at = source; at < end; at += 4) {
    const pixel = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
    const alpha = i32x4.extract_lane(pixel, 3);
    const factors = i32x4.replace_lane(i32x4.splat(alpha), 3, 255);
    const white = i32x4.replace_lane(i32x4.splat(255 * (255 - alpha)), 3, 0);
    sum = i32x4.add(sum, i32x4.add(i32x4.mul(pixel, factors), white));
  }
  return sum;
}

/**
 * Overwrites the sums with their averages, RGBA, over white.
 *
 * @param scale 1 / (255 × reduction²)
 */
export function average(sums: usize, count: i32, scale: f64): void {
  let target = sums;
  for (const end = sums + ((<usize>count) << 4); sums < end; sums += 16) {
    // Read before the pixel overwrites them.
    const red = load<u32>(sums);
    const green = load<u32>(sums, 4);
    const blue = load<u32>(sums, 8);
    const alpha = load<u32>(sums, 12);
    store<u8>(target, sample(red, scale));
    store<u8>(target, sample(green, scale), 1);
    store<u8>(target, sample(blue, scale), 2);
    store<u8>(target, sample(alpha, scale), 3);
    target += 4;
  }
}

/** Rounds as JavaScript's Math.round. */
function sample(sum: u32, scale: f64): u8 {
  return <u8>(<f64>sum * scale + 0.5);
}
