// AssemblyScript: the dot products of one vector with many of 8 bits, in WebAssembly SIMD. The caller lays out
// the memory: see src/search/vector-index.ts. After a change: `pnpm --filter shared build`.

/** Vectors that are worked on together: the query is read once for them. */
const ROWS: usize = 4;

/**
 * `out[i] = codes[i] · query · scales[i]`. The sums are exact in 32 bits.
 *
 * @param codes `[count, stride]` int8, from -127 to 127
 * @param scales `[count]` float32
 * @param stride bytes of a vector, a multiple of 16; 2,048 at most
 * @param query `[stride]` int16, from -8191 to 8191
 * @param out `[count]` float32
 */
export function dotProducts(
  codes: usize,
  scales: usize,
  count: usize,
  stride: usize,
  query: usize,
  out: usize,
): void {
  const end = out + (count << 2);
  const wholes = out + ((count - (count % ROWS)) << 2);
  while (out < wholes) {
    const c1 = codes + stride;
    const c2 = c1 + stride;
    const c3 = c2 + stride;
    let s0 = i32x4.splat(0);
    let s1 = i32x4.splat(0);
    let s2 = i32x4.splat(0);
    let s3 = i32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const low = v128.load(query + (at << 1));
      const high = v128.load(query + (at << 1), 16);
      s0 = added(s0, codes + at, low, high);
      s1 = added(s1, c1 + at, low, high);
      s2 = added(s2, c2 + at, low, high);
      s3 = added(s3, c3 + at, low, high);
    }
    // [s0, s1, s0, s1] of halves, and the same of the others, then the sums of all four.
    const a = i32x4.add(
      v128.shuffle<i32>(s0, s1, 0, 4, 1, 5),
      v128.shuffle<i32>(s0, s1, 2, 6, 3, 7),
    );
    const b = i32x4.add(
      v128.shuffle<i32>(s2, s3, 0, 4, 1, 5),
      v128.shuffle<i32>(s2, s3, 2, 6, 3, 7),
    );
    const sums = i32x4.add(
      v128.shuffle<i32>(a, b, 0, 1, 4, 5),
      v128.shuffle<i32>(a, b, 2, 3, 6, 7),
    );
    v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(sums), v128.load(scales)));
    codes = c3 + stride;
    scales += ROWS << 2;
    out += ROWS << 2;
  }
  for (; out < end; out += 4) {
    let sum = i32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const low = v128.load(query + (at << 1));
      sum = added(sum, codes + at, low, v128.load(query + (at << 1), 16));
    }
    sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
    const all = i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
    store<f32>(out, <f32>all * load<f32>(scales));
    codes += stride;
    scales += 4;
  }
}

function added(sum: v128, codes: usize, low: v128, high: v128): v128 {
  const code = v128.load(codes);
  const products = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(code), low);
  return i32x4.add(
    i32x4.add(sum, products),
    i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(code), high),
  );
}
