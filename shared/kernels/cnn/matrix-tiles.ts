// AssemblyScript: a tile of a matrix product, in registers from the first product to the last: 12
// accumulators, two vectors of the right factor's panel and one value of the left factor, of the
// 16 that x86 has.
//
// These kernels are compiled without AssemblyScript's optimizer, which would put all products of a
// sum one behind the other, each waiting for the one before: V8 keeps the order that is written
// here. So innermost loops call no functions and name no module constants.
//
// Node lets the processor catch accesses beyond the memory, workerd compares every address, and
// what a loop does besides its sums then decides its speed. Four steps a turn share their
// additions, and asconfig.cnn.json declares a page of memory at least, so that V8 need not ask
// whether an offset lies in it.

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
    let b0 = v128.load(panel);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5);
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
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4);
    sum40 = f32x4.relaxed_madd(x, b0, sum40);
    sum41 = f32x4.relaxed_madd(x, b1, sum41);
    x = v128.load32_splat(a5);
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
    let b0 = v128.load(panel);
    let b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4);
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
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0);
    sum00 = f32x4.relaxed_madd(x, b0, sum00);
    sum01 = f32x4.relaxed_madd(x, b1, sum01);
    x = v128.load32_splat(a1);
    sum10 = f32x4.relaxed_madd(x, b0, sum10);
    sum11 = f32x4.relaxed_madd(x, b1, sum11);
    x = v128.load32_splat(a2);
    sum20 = f32x4.relaxed_madd(x, b0, sum20);
    sum21 = f32x4.relaxed_madd(x, b1, sum21);
    x = v128.load32_splat(a3);
    sum30 = f32x4.relaxed_madd(x, b0, sum30);
    sum31 = f32x4.relaxed_madd(x, b1, sum31);
    x = v128.load32_splat(a4);
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
