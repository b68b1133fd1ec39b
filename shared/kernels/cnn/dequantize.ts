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
