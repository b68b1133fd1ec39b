// AssemblyScript: a tile of a product of 8-bit integers, in registers from the first product to the
// last. Written like the tiles of matrix-tiles.ts, and for the same reasons.

/**
 * Six rows and eight columns of the product; sixteen steps of the inner dimension a turn, four of
 * them in each lane.
 *
 * @param a0 integers from 0 to 127, the rows `aStride` bytes apart, a multiple of 16
 * @param panel of `packInt8Panels`
 * @param rows of `quantizeRows`
 * @param bias0 of the left four columns, `bias1` of the right ones
 */
export function int8Tile6(
  a0: usize,
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
  panel += 64;
  for (const end = a0 + aStride; a0 < end; ) {
    let b0 = v128.load(panel);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0);
    sum00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum00);
    sum01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum01);
    x = v128.load32_splat(a1);
    sum10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum10);
    sum11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum11);
    x = v128.load32_splat(a2);
    sum20 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum20);
    sum21 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum21);
    x = v128.load32_splat(a3);
    sum30 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum30);
    sum31 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum31);
    x = v128.load32_splat(a4);
    sum40 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum40);
    sum41 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum41);
    x = v128.load32_splat(a5);
    sum50 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum50);
    sum51 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum51);
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    x = v128.load32_splat(a0, 4);
    sum00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum00);
    sum01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum01);
    x = v128.load32_splat(a1, 4);
    sum10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum10);
    sum11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum11);
    x = v128.load32_splat(a2, 4);
    sum20 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum20);
    sum21 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum21);
    x = v128.load32_splat(a3, 4);
    sum30 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum30);
    sum31 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum31);
    x = v128.load32_splat(a4, 4);
    sum40 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum40);
    sum41 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum41);
    x = v128.load32_splat(a5, 4);
    sum50 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum50);
    sum51 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum51);
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    x = v128.load32_splat(a0, 8);
    sum00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum00);
    sum01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum01);
    x = v128.load32_splat(a1, 8);
    sum10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum10);
    sum11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum11);
    x = v128.load32_splat(a2, 8);
    sum20 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum20);
    sum21 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum21);
    x = v128.load32_splat(a3, 8);
    sum30 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum30);
    sum31 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum31);
    x = v128.load32_splat(a4, 8);
    sum40 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum40);
    sum41 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum41);
    x = v128.load32_splat(a5, 8);
    sum50 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum50);
    sum51 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum51);
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    x = v128.load32_splat(a0, 12);
    sum00 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum00);
    sum01 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum01);
    x = v128.load32_splat(a1, 12);
    sum10 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum10);
    sum11 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum11);
    x = v128.load32_splat(a2, 12);
    sum20 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum20);
    sum21 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum21);
    x = v128.load32_splat(a3, 12);
    sum30 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum30);
    sum31 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum31);
    x = v128.load32_splat(a4, 12);
    sum40 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum40);
    sum41 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum41);
    x = v128.load32_splat(a5, 12);
    sum50 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b0, x, sum50);
    sum51 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b1, x, sum51);
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    a4 += 16;
    a5 += 16;
    panel += 128;
  }
  let step = v128.load32_splat(rows);
  let least = v128.load32_splat(rows, 4);
  let value = f32x4.mul(f32x4.convert_i32x4_s(sum00), step);
  value = f32x4.relaxed_madd(value, scale0, f32x4.relaxed_madd(least, columnSum0, bias0));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high));
  value = f32x4.mul(f32x4.convert_i32x4_s(sum01), step);
  value = f32x4.relaxed_madd(value, scale1, f32x4.relaxed_madd(least, columnSum1, bias1));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high), 16);
  out += outStride;
  step = v128.load32_splat(rows, 8);
  least = v128.load32_splat(rows, 12);
  value = f32x4.mul(f32x4.convert_i32x4_s(sum10), step);
  value = f32x4.relaxed_madd(value, scale0, f32x4.relaxed_madd(least, columnSum0, bias0));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high));
  value = f32x4.mul(f32x4.convert_i32x4_s(sum11), step);
  value = f32x4.relaxed_madd(value, scale1, f32x4.relaxed_madd(least, columnSum1, bias1));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high), 16);
  out += outStride;
  step = v128.load32_splat(rows, 16);
  least = v128.load32_splat(rows, 20);
  value = f32x4.mul(f32x4.convert_i32x4_s(sum20), step);
  value = f32x4.relaxed_madd(value, scale0, f32x4.relaxed_madd(least, columnSum0, bias0));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high));
  value = f32x4.mul(f32x4.convert_i32x4_s(sum21), step);
  value = f32x4.relaxed_madd(value, scale1, f32x4.relaxed_madd(least, columnSum1, bias1));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high), 16);
  out += outStride;
  step = v128.load32_splat(rows, 24);
  least = v128.load32_splat(rows, 28);
  value = f32x4.mul(f32x4.convert_i32x4_s(sum30), step);
  value = f32x4.relaxed_madd(value, scale0, f32x4.relaxed_madd(least, columnSum0, bias0));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high));
  value = f32x4.mul(f32x4.convert_i32x4_s(sum31), step);
  value = f32x4.relaxed_madd(value, scale1, f32x4.relaxed_madd(least, columnSum1, bias1));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high), 16);
  out += outStride;
  step = v128.load32_splat(rows, 32);
  least = v128.load32_splat(rows, 36);
  value = f32x4.mul(f32x4.convert_i32x4_s(sum40), step);
  value = f32x4.relaxed_madd(value, scale0, f32x4.relaxed_madd(least, columnSum0, bias0));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high));
  value = f32x4.mul(f32x4.convert_i32x4_s(sum41), step);
  value = f32x4.relaxed_madd(value, scale1, f32x4.relaxed_madd(least, columnSum1, bias1));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high), 16);
  out += outStride;
  step = v128.load32_splat(rows, 40);
  least = v128.load32_splat(rows, 44);
  value = f32x4.mul(f32x4.convert_i32x4_s(sum50), step);
  value = f32x4.relaxed_madd(value, scale0, f32x4.relaxed_madd(least, columnSum0, bias0));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high));
  value = f32x4.mul(f32x4.convert_i32x4_s(sum51), step);
  value = f32x4.relaxed_madd(value, scale1, f32x4.relaxed_madd(least, columnSum1, bias1));
  v128.store(out, f32x4.pmin(f32x4.pmax(value, low), high), 16);
}
