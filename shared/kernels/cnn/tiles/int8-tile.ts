// AssemblyScript that shared/tiles/int8-tile.ts wrote, which explains it. Change it there, and run
// `pnpm --filter shared build`.

/**
 * Six rows and eight columns of the product; sixteen steps of the inner dimension a turn, four of
 * them in each lane.
 *
 * @param hasDot what `hasDotProduct` says
 * @param a integers from 0 to 127, the rows `aStride` bytes apart, a multiple of 16
 * @param panel of `packInt8Panels`
 * @param rows of `quantizeRows`
 * @param bias0 of the left four columns, `bias1` of the right ones
 */
export function int8Tile6(
  hasDot: bool,
  a: usize,
  aStride: usize,
  panel: usize,
  rows: usize,
  bias0: v128,
  bias1: v128,
  low: v128,
  high: v128,
  out: usize,
  outStride: usize,
): void {
  if (hasDot) tile6(true, a, aStride, panel, rows, bias0, bias1, low, high, out, outStride);
  else tile6(false, a, aStride, panel, rows, bias0, bias1, low, high, out, outStride);
}

/** Without a dot product V8 takes five instructions for the same, of which two make the ones, each time. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function addProducts(hasDot: bool, a: v128, b: v128, ones: v128, sum: v128): v128 {
  return hasDot
    ? i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, sum)
    : i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(a, b), ones));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function tile6(
  hasDot: bool,
  a: usize,
  aStride: usize,
  panel: usize,
  rows: usize,
  bias0: v128,
  bias1: v128,
  low: v128,
  high: v128,
  out: usize,
  outStride: usize,
): void {
  const ones = i16x8.splat(1);
  let a0 = a;
  let a1 = a0 + aStride;
  let a2 = a1 + aStride;
  let a3 = a2 + aStride;
  let a4 = a3 + aStride;
  let a5 = a4 + aStride;
  let sum00 = i32x4.splat(0);
  let sum01 = i32x4.splat(0);
  let sum10 = i32x4.splat(0);
  let sum11 = i32x4.splat(0);
  let sum20 = i32x4.splat(0);
  let sum21 = i32x4.splat(0);
  let sum30 = i32x4.splat(0);
  let sum31 = i32x4.splat(0);
  let sum40 = i32x4.splat(0);
  let sum41 = i32x4.splat(0);
  let sum50 = i32x4.splat(0);
  let sum51 = i32x4.splat(0);
  const scale0 = v128.load(panel);
  const scale1 = v128.load(panel, 16);
  const columnSum0 = v128.load(panel, 32);
  const columnSum1 = v128.load(panel, 48);
  let b = panel + 64;
  for (const end = a0 + aStride; a0 < end; ) {
    let b0 = v128.load(b, 0);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a0, 0);
    sum00 = addProducts(hasDot, b0, x, ones, sum00);
    sum01 = addProducts(hasDot, b1, x, ones, sum01);
    x = v128.load32_splat(a1, 0);
    sum10 = addProducts(hasDot, b0, x, ones, sum10);
    sum11 = addProducts(hasDot, b1, x, ones, sum11);
    x = v128.load32_splat(a2, 0);
    sum20 = addProducts(hasDot, b0, x, ones, sum20);
    sum21 = addProducts(hasDot, b1, x, ones, sum21);
    x = v128.load32_splat(a3, 0);
    sum30 = addProducts(hasDot, b0, x, ones, sum30);
    sum31 = addProducts(hasDot, b1, x, ones, sum31);
    x = v128.load32_splat(a4, 0);
    sum40 = addProducts(hasDot, b0, x, ones, sum40);
    sum41 = addProducts(hasDot, b1, x, ones, sum41);
    x = v128.load32_splat(a5, 0);
    sum50 = addProducts(hasDot, b0, x, ones, sum50);
    sum51 = addProducts(hasDot, b1, x, ones, sum51);
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load32_splat(a0, 4);
    sum00 = addProducts(hasDot, b0, x, ones, sum00);
    sum01 = addProducts(hasDot, b1, x, ones, sum01);
    x = v128.load32_splat(a1, 4);
    sum10 = addProducts(hasDot, b0, x, ones, sum10);
    sum11 = addProducts(hasDot, b1, x, ones, sum11);
    x = v128.load32_splat(a2, 4);
    sum20 = addProducts(hasDot, b0, x, ones, sum20);
    sum21 = addProducts(hasDot, b1, x, ones, sum21);
    x = v128.load32_splat(a3, 4);
    sum30 = addProducts(hasDot, b0, x, ones, sum30);
    sum31 = addProducts(hasDot, b1, x, ones, sum31);
    x = v128.load32_splat(a4, 4);
    sum40 = addProducts(hasDot, b0, x, ones, sum40);
    sum41 = addProducts(hasDot, b1, x, ones, sum41);
    x = v128.load32_splat(a5, 4);
    sum50 = addProducts(hasDot, b0, x, ones, sum50);
    sum51 = addProducts(hasDot, b1, x, ones, sum51);
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = v128.load32_splat(a0, 8);
    sum00 = addProducts(hasDot, b0, x, ones, sum00);
    sum01 = addProducts(hasDot, b1, x, ones, sum01);
    x = v128.load32_splat(a1, 8);
    sum10 = addProducts(hasDot, b0, x, ones, sum10);
    sum11 = addProducts(hasDot, b1, x, ones, sum11);
    x = v128.load32_splat(a2, 8);
    sum20 = addProducts(hasDot, b0, x, ones, sum20);
    sum21 = addProducts(hasDot, b1, x, ones, sum21);
    x = v128.load32_splat(a3, 8);
    sum30 = addProducts(hasDot, b0, x, ones, sum30);
    sum31 = addProducts(hasDot, b1, x, ones, sum31);
    x = v128.load32_splat(a4, 8);
    sum40 = addProducts(hasDot, b0, x, ones, sum40);
    sum41 = addProducts(hasDot, b1, x, ones, sum41);
    x = v128.load32_splat(a5, 8);
    sum50 = addProducts(hasDot, b0, x, ones, sum50);
    sum51 = addProducts(hasDot, b1, x, ones, sum51);
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load32_splat(a0, 12);
    sum00 = addProducts(hasDot, b0, x, ones, sum00);
    sum01 = addProducts(hasDot, b1, x, ones, sum01);
    x = v128.load32_splat(a1, 12);
    sum10 = addProducts(hasDot, b0, x, ones, sum10);
    sum11 = addProducts(hasDot, b1, x, ones, sum11);
    x = v128.load32_splat(a2, 12);
    sum20 = addProducts(hasDot, b0, x, ones, sum20);
    sum21 = addProducts(hasDot, b1, x, ones, sum21);
    x = v128.load32_splat(a3, 12);
    sum30 = addProducts(hasDot, b0, x, ones, sum30);
    sum31 = addProducts(hasDot, b1, x, ones, sum31);
    x = v128.load32_splat(a4, 12);
    sum40 = addProducts(hasDot, b0, x, ones, sum40);
    sum41 = addProducts(hasDot, b1, x, ones, sum41);
    x = v128.load32_splat(a5, 12);
    sum50 = addProducts(hasDot, b0, x, ones, sum50);
    sum51 = addProducts(hasDot, b1, x, ones, sum51);
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    a4 += 16;
    a5 += 16;
    b += 128;
  }
  let to = out;
  storeRow(to, rows + 0, sum00, sum01, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);
  to += outStride;
  storeRow(to, rows + 8, sum10, sum11, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);
  to += outStride;
  storeRow(to, rows + 16, sum20, sum21, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);
  to += outStride;
  storeRow(to, rows + 24, sum30, sum31, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);
  to += outStride;
  storeRow(to, rows + 32, sum40, sum41, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);
  to += outStride;
  storeRow(to, rows + 40, sum50, sum51, scale0, scale1, columnSum0, columnSum1, bias0, bias1, low, high);
}

/** @param row of `quantizeRows`: what a step is worth, and what 0 stands for */
// @ts-ignore: a decorator of AssemblyScript
@inline
function storeRow(
  to: usize,
  row: usize,
  sum0: v128,
  sum1: v128,
  scale0: v128,
  scale1: v128,
  columnSum0: v128,
  columnSum1: v128,
  bias0: v128,
  bias1: v128,
  low: v128,
  high: v128,
): void {
  const step = v128.load32_splat(row);
  const least = v128.load32_splat(row, 4);
  const base0 = f32x4.relaxed_madd(least, columnSum0, bias0);
  const base1 = f32x4.relaxed_madd(least, columnSum1, bias1);
  const value0 = f32x4.relaxed_madd(f32x4.mul(f32x4.convert_i32x4_s(sum0), step), scale0, base0);
  const value1 = f32x4.relaxed_madd(f32x4.mul(f32x4.convert_i32x4_s(sum1), step), scale1, base1);
  v128.store(to, f32x4.pmin(f32x4.pmax(value0, low), high));
  v128.store(to, f32x4.pmin(f32x4.pmax(value1, low), high), 16);
}
