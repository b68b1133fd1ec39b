// AssemblyScript: weights of 8 bits as float32, in double precision like their definition.

/**
 * `(step · scale + min) · factor`, rounded once; the factors repeat.
 *
 * @param steps `[count]`, a byte each
 * @param count a multiple of `channels`
 * @param factors `[channels]`, float32
 * @param out `[count]`, float32
 */
export function dequantize(
  steps: usize,
  count: i32,
  scale: f64,
  min: f64,
  factors: usize,
  channels: i32,
  out: usize,
): void {
  const scales = f64x2.splat(scale);
  const mins = f64x2.splat(min);
  for (const end = out + ((<usize>count) << 2); out < end; ) {
    let factor = factors;
    let channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      const bytes = i16x8.extend_low_i8x16_u(v128.load32_zero(steps));
      const low = i32x4.extend_low_i16x8_u(bytes);
      const high = v128.shuffle<i32>(low, low, 2, 3, 2, 3);
      const factorsLow = f64x2.promote_low_f32x4(v128.load64_zero(factor));
      const factorsHigh = f64x2.promote_low_f32x4(v128.load64_zero(factor, 8));
      const left = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(low), scales), mins);
      const right = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(high), scales), mins);
      v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.mul(left, factorsLow)), 0);
      v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.mul(right, factorsHigh)), 0, 8);
      steps += 4;
      factor += 16;
      out += 16;
    }
    for (; channel < channels; channel++) {
      const value = <f64>load<u8>(steps) * scale + min;
      store<f32>(out, <f32>(value * <f64>load<f32>(factor)));
      steps += 1;
      factor += 4;
      out += 4;
    }
  }
}

/**
 * The same for a matrix, packed as `packPanels` does.
 *
 * @param steps `[k, n]`, a byte each
 * @param factors `[channels]`, float32: `n`, or one for all
 * @param out `[ceil(n / 8), k, 8]`, float32; columns past the last are zeros
 */
export function dequantizePanels(
  steps: usize,
  k: i32,
  n: i32,
  scale: f64,
  min: f64,
  factors: usize,
  channels: i32,
  out: usize,
): void {
  const scales = f64x2.splat(scale);
  const mins = f64x2.splat(min);
  const factorBytes: usize = channels === n ? 4 : 0;
  for (let column = 0; column < n; column += 8) {
    const width = n - column;
    let from = steps + <usize>column;
    const factor = factors + <usize>column * factorBytes;
    // Of fewer than eight columns, each looks for its own.
    const f0 = width > 7 ? pairOf(factor, factorBytes) : scales;
    const f1 = width > 7 ? pairOf(factor + factorBytes * 2, factorBytes) : scales;
    const f2 = width > 7 ? pairOf(factor + factorBytes * 4, factorBytes) : scales;
    const f3 = width > 7 ? pairOf(factor + factorBytes * 6, factorBytes) : scales;
    for (let row = 0; row < k; row++) {
      if (width > 7) {
        const bytes = i16x8.extend_low_i8x16_u(v128.load64_zero(from));
        const low = i32x4.extend_low_i16x8_u(bytes);
        const high = i32x4.extend_high_i16x8_u(bytes);
        const low2 = v128.shuffle<i32>(low, low, 2, 3, 2, 3);
        const high2 = v128.shuffle<i32>(high, high, 2, 3, 2, 3);
        const v0 = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(low), scales), mins);
        const v1 = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(low2), scales), mins);
        const v2 = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(high), scales), mins);
        const v3 = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(high2), scales), mins);
        v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.mul(v0, f0)), 0);
        v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.mul(v1, f1)), 0, 8);
        v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.mul(v2, f2)), 0, 16);
        v128.store64_lane(out, f32x4.demote_f64x2_zero(f64x2.mul(v3, f3)), 0, 24);
      } else {
        v128.store(out, f32x4.splat(0));
        v128.store(out, f32x4.splat(0), 16);
        for (let i = 0; i < width; i++) {
          const value = <f64>load<u8>(from + <usize>i) * scale + min;
          const by = <f64>load<f32>(factor + <usize>i * factorBytes);
          store<f32>(out + ((<usize>i) << 2), <f32>(value * by));
        }
      }
      from += <usize>n;
      out += 32;
    }
  }
}

/** Two factors, or one twice where they are no distance apart. */
function pairOf(factor: usize, distance: usize): v128 {
  const first = f64x2.splat(<f64>load<f32>(factor));
  return f64x2.replace_lane(first, 1, <f64>load<f32>(factor + distance));
}
