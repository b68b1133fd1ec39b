// AssemblyScript that shared/tiles/sparse-tiles.ts wrote, which explains it. Change it there, and run
// `pnpm --filter shared build`.

/**
 * Adds to 32 columns of a row.
 *
 * @param list places of values of `a`, a byte each, up to `end`
 * @param weights a row of 32 for each place, of `pairPanel`
 */
export function sparseTile4(a: usize, list: usize, end: usize, weights: usize, out: usize): void {
  const mask = i32x4.splat(0xffff0000);
  let sum0 = v128.load(out, 0);
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
    const row = weights + place * 64;
    let pair = v128.load(row, 0);
    sum0 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum0);
    sum1 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum1);
    pair = v128.load(row, 16);
    sum2 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum2);
    sum3 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum3);
    pair = v128.load(row, 32);
    sum4 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum4);
    sum5 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum5);
    pair = v128.load(row, 48);
    sum6 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum6);
    sum7 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum7);
  }
  v128.store(out, sum0, 0);
  v128.store(out, sum1, 16);
  v128.store(out, sum2, 32);
  v128.store(out, sum3, 48);
  v128.store(out, sum4, 64);
  v128.store(out, sum5, 80);
  v128.store(out, sum6, 96);
  v128.store(out, sum7, 112);
}

/**
 * Adds to 40 columns of a row.
 *
 * @param list places of values of `a`, a byte each, up to `end`
 * @param weights a row of 40 for each place, of `pairPanel`
 */
export function sparseTile5(a: usize, list: usize, end: usize, weights: usize, out: usize): void {
  const mask = i32x4.splat(0xffff0000);
  let sum0 = v128.load(out, 0);
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
    const row = weights + place * 80;
    let pair = v128.load(row, 0);
    sum0 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum0);
    sum1 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum1);
    pair = v128.load(row, 16);
    sum2 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum2);
    sum3 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum3);
    pair = v128.load(row, 32);
    sum4 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum4);
    sum5 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum5);
    pair = v128.load(row, 48);
    sum6 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum6);
    sum7 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum7);
    pair = v128.load(row, 64);
    sum8 = f32x4.relaxed_madd(x, i32x4.shl(pair, 16), sum8);
    sum9 = f32x4.relaxed_madd(x, v128.and(pair, mask), sum9);
  }
  v128.store(out, sum0, 0);
  v128.store(out, sum1, 16);
  v128.store(out, sum2, 32);
  v128.store(out, sum3, 48);
  v128.store(out, sum4, 64);
  v128.store(out, sum5, 80);
  v128.store(out, sum6, 96);
  v128.store(out, sum7, 112);
  v128.store(out, sum8, 128);
  v128.store(out, sum9, 144);
}
