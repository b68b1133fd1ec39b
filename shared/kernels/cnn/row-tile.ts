// AssemblyScript: a tile of one row of a matrix product, in registers from the first product to the last.
// It is written like those of tiles/, and for the same reasons.

/** One row; four steps at a time, each with sums of its own, since one addition waits for the other. */
export function tile1(
  a: usize,
  aStride: usize,
  panel: usize,
  bias0: v128,
  bias1: v128,
  low: v128,
  high: v128,
  out: usize,
): void {
  let sum00 = bias0;
  let sum01 = bias1;
  let sum10 = f32x4.splat(0);
  let sum11 = f32x4.splat(0);
  let sum20 = f32x4.splat(0);
  let sum21 = f32x4.splat(0);
  let sum30 = f32x4.splat(0);
  let sum31 = f32x4.splat(0);
  const end = a + aStride;
  for (const last = a + (aStride & ~15); a < last; a += 16) {
    const x0 = v128.load32_splat(a);
    sum00 = f32x4.relaxed_madd(x0, v128.load(panel), sum00);
    sum01 = f32x4.relaxed_madd(x0, v128.load(panel, 16), sum01);
    const x1 = v128.load32_splat(a, 4);
    sum10 = f32x4.relaxed_madd(x1, v128.load(panel, 32), sum10);
    sum11 = f32x4.relaxed_madd(x1, v128.load(panel, 48), sum11);
    const x2 = v128.load32_splat(a, 8);
    sum20 = f32x4.relaxed_madd(x2, v128.load(panel, 64), sum20);
    sum21 = f32x4.relaxed_madd(x2, v128.load(panel, 80), sum21);
    const x3 = v128.load32_splat(a, 12);
    sum30 = f32x4.relaxed_madd(x3, v128.load(panel, 96), sum30);
    sum31 = f32x4.relaxed_madd(x3, v128.load(panel, 112), sum31);
    panel += 128;
  }
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    sum00 = f32x4.relaxed_madd(x, v128.load(panel), sum00);
    sum01 = f32x4.relaxed_madd(x, v128.load(panel, 16), sum01);
    panel += 32;
  }
  sum00 = f32x4.add(f32x4.add(sum00, sum10), f32x4.add(sum20, sum30));
  sum01 = f32x4.add(f32x4.add(sum01, sum11), f32x4.add(sum21, sum31));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum00, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum01, low), high), 16);
}
