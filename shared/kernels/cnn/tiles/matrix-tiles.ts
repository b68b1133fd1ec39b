// AssemblyScript that shared/tiles/matrix-tiles.ts wrote, which explains it. Change it there, and run
// `pnpm --filter shared build`.

/** Six rows and eight columns of the product, four steps of the inner dimension at a time. */
export function tile6(
  a0: usize,
  aStride: usize,
  panel: usize,
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
  let sum00 = bias0;
  let sum01 = bias1;
  let sum10 = bias0;
  let sum11 = bias1;
  let sum20 = bias0;
  let sum21 = bias1;
  let sum30 = bias0;
  let sum31 = bias1;
  let sum40 = bias0;
  let sum41 = bias1;
  let sum50 = bias0;
  let sum51 = bias1;
  const end = a0 + aStride;
  for (const last = a0 + (aStride & ~15); a0 < last; ) {
    let b0 = v128.load(panel, 0);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0, 0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 0);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 0);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 0);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 0);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5, 0);
    sum50 = f32x4.relaxed_madd(x, b0, sum50);
    sum51 = f32x4.relaxed_madd(x, b1, sum51);
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    x = v128.load32_splat(a0, 4);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 4);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 4);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 4);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 4);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5, 4);
    sum50 = f32x4.relaxed_madd(x, b0, sum50);
    sum51 = f32x4.relaxed_madd(x, b1, sum51);
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    x = v128.load32_splat(a0, 8);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 8);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 8);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 8);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 8);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5, 8);
    sum50 = f32x4.relaxed_madd(x, b0, sum50);
    sum51 = f32x4.relaxed_madd(x, b1, sum51);
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    x = v128.load32_splat(a0, 12);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 12);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 12);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 12);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 12);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5, 12);
    sum50 = f32x4.relaxed_madd(x, b0, sum50);
    sum51 = f32x4.relaxed_madd(x, b1, sum51);
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    a4 += 16;
    a5 += 16;
    panel += 128;
  }
  while (a0 < end) {
    let b0 = v128.load(panel, 0);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0, 0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 0);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 0);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 0);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 0);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5, 0);
    sum50 = f32x4.relaxed_madd(x, b0, sum50);
    sum51 = f32x4.relaxed_madd(x, b1, sum51);
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    a4 += 4;
    a5 += 4;
    panel += 32;
  }
  v128.store(out, f32x4.pmin(f32x4.pmax(sum00, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum01, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum10, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum11, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum20, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum21, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum30, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum31, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum40, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum41, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum50, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum51, low), high), 16);
}

/** The same for five rows. */
export function tile5(
  a0: usize,
  aStride: usize,
  panel: usize,
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
  let sum00 = bias0;
  let sum01 = bias1;
  let sum10 = bias0;
  let sum11 = bias1;
  let sum20 = bias0;
  let sum21 = bias1;
  let sum30 = bias0;
  let sum31 = bias1;
  let sum40 = bias0;
  let sum41 = bias1;
  const end = a0 + aStride;
  for (const last = a0 + (aStride & ~15); a0 < last; ) {
    let b0 = v128.load(panel, 0);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0, 0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 0);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 0);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 0);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 0);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    b0 = v128.load(panel, 32);
    b1 = v128.load(panel, 48);
    x = v128.load32_splat(a0, 4);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 4);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 4);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 4);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 4);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    b0 = v128.load(panel, 64);
    b1 = v128.load(panel, 80);
    x = v128.load32_splat(a0, 8);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 8);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 8);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 8);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 8);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    b0 = v128.load(panel, 96);
    b1 = v128.load(panel, 112);
    x = v128.load32_splat(a0, 12);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 12);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 12);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 12);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 12);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    a4 += 16;
    panel += 128;
  }
  while (a0 < end) {
    let b0 = v128.load(panel, 0);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0, 0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1, 0);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2, 0);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3, 0);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4, 0);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
    a4 += 4;
    panel += 32;
  }
  v128.store(out, f32x4.pmin(f32x4.pmax(sum00, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum01, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum10, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum11, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum20, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum21, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum30, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum31, low), high), 16);
  out += outStride;
  v128.store(out, f32x4.pmin(f32x4.pmax(sum40, low), high));
  v128.store(out, f32x4.pmin(f32x4.pmax(sum41, low), high), 16);
}
