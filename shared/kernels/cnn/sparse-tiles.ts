// AssemblyScript: a row of a matrix product by its values that are not zero, in registers from the first
// product to the last. See matrix-tiles.ts for why the loops are written as they are.

/**
 * Adds to 32 columns of a row.
 *
 * @param list places of values of `a`, a byte each, up to `end`
 * @param weights a row of 32 for each place
 */
export function sparseTile4(
  a: usize,
  list: usize,
  end: usize,
  weights: usize,
  low: v128,
  high: v128,
  out: usize,
): void {
  let sum0 = v128.load(out);
  let sum1 = v128.load(out, 16);
  let sum2 = v128.load(out, 32);
  let sum3 = v128.load(out, 48);
  let sum4 = v128.load(out, 64);
  let sum5 = v128.load(out, 80);
  let sum6 = v128.load(out, 96);
  let sum7 = v128.load(out, 112);
  for (; list < end; list++) {
    const place = <usize>load<u8>(list);
    const x = v128.load32_splat(a + (place << 2));
    const row = weights + place * 128;
    sum0 = f32x4.relaxed_madd(x, v128.load(row), sum0);
    sum1 = f32x4.relaxed_madd(x, v128.load(row, 16), sum1);
    sum2 = f32x4.relaxed_madd(x, v128.load(row, 32), sum2);
    sum3 = f32x4.relaxed_madd(x, v128.load(row, 48), sum3);
    sum4 = f32x4.relaxed_madd(x, v128.load(row, 64), sum4);
    sum5 = f32x4.relaxed_madd(x, v128.load(row, 80), sum5);
    sum6 = f32x4.relaxed_madd(x, v128.load(row, 96), sum6);
    sum7 = f32x4.relaxed_madd(x, v128.load(row, 112), sum7);
  }
  v128.store(out, f32x4.pmin(f32x4.pmax(sum0, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum1, low), high), 16);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum2, low), high), 32);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum3, low), high), 48);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum4, low), high), 64);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum5, low), high), 80);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum6, low), high), 96);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum7, low), high), 112);
}

/**
 * Adds to 40 columns of a row.
 *
 * @param list places of values of `a`, a byte each, up to `end`
 * @param weights a row of 40 for each place
 */
export function sparseTile5(
  a: usize,
  list: usize,
  end: usize,
  weights: usize,
  low: v128,
  high: v128,
  out: usize,
): void {
  let sum0 = v128.load(out);
  let sum1 = v128.load(out, 16);
  let sum2 = v128.load(out, 32);
  let sum3 = v128.load(out, 48);
  let sum4 = v128.load(out, 64);
  let sum5 = v128.load(out, 80);
  let sum6 = v128.load(out, 96);
  let sum7 = v128.load(out, 112);
  let sum8 = v128.load(out, 128);
  let sum9 = v128.load(out, 144);
  for (; list < end; list++) {
    const place = <usize>load<u8>(list);
    const x = v128.load32_splat(a + (place << 2));
    const row = weights + place * 160;
    sum0 = f32x4.relaxed_madd(x, v128.load(row), sum0);
    sum1 = f32x4.relaxed_madd(x, v128.load(row, 16), sum1);
    sum2 = f32x4.relaxed_madd(x, v128.load(row, 32), sum2);
    sum3 = f32x4.relaxed_madd(x, v128.load(row, 48), sum3);
    sum4 = f32x4.relaxed_madd(x, v128.load(row, 64), sum4);
    sum5 = f32x4.relaxed_madd(x, v128.load(row, 80), sum5);
    sum6 = f32x4.relaxed_madd(x, v128.load(row, 96), sum6);
    sum7 = f32x4.relaxed_madd(x, v128.load(row, 112), sum7);
    sum8 = f32x4.relaxed_madd(x, v128.load(row, 128), sum8);
    sum9 = f32x4.relaxed_madd(x, v128.load(row, 144), sum9);
  }
  v128.store(out, f32x4.pmin(f32x4.pmax(sum0, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum1, low), high), 16);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum2, low), high), 32);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum3, low), high), 48);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum4, low), high), 64);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum5, low), high), 80);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum6, low), high), 96);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum7, low), high), 112);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum8, low), high), 128);
  v128.store(out, f32x4.pmin(f32x4.pmax(sum9, low), high), 144);
}
