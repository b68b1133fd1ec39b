// AssemblyScript: weights of 8 bits as float32. Steps are whole numbers, so that two roundings are all
// that separates a weight from its definition: a ten-millionth of it, where a step is a hundredth.

/**
 * `(step + offset) · scale`; the scales repeat.
 *
 * @param codes `[count]`, a byte each
 * @param count a multiple of `channels`
 * @param scales `[channels]`, float32
 * @param out `[count]`, float32
 */
export function dequantize(
  codes: usize,
  count: i32,
  offset: f32,
  scales: usize,
  channels: i32,
  out: usize,
): void {
  const offsets = f32x4.splat(offset);
  for (const end = out + ((<usize>count) << 2); out < end; ) {
    let scale = scales;
    let channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      const halves = i16x8.extend_low_i8x16_u(v128.load32_zero(codes));
      const values = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(halves));
      v128.store(out, f32x4.mul(f32x4.add(values, offsets), v128.load(scale)));
      codes += 4;
      scale += 16;
      out += 16;
    }
    for (; channel < channels; channel++) {
      store<f32>(out, (<f32>load<u8>(codes) + offset) * load<f32>(scale));
      codes += 1;
      scale += 4;
      out += 4;
    }
  }
}

/**
 * The same for a matrix, packed as `packPanels` does.
 *
 * @param codes `[k, n]`, a byte each
 * @param scales `[channels]`, float32: `n`, or one for all
 * @param out `[ceil(n / 8), k, 8]`, float32; columns past the last are zeros
 */
export function dequantizePanels(
  codes: usize,
  k: i32,
  n: i32,
  offset: f32,
  scales: usize,
  channels: i32,
  out: usize,
): void {
  const offsets = f32x4.splat(offset);
  const isEach = channels === n;
  for (let column = 0; column < n; column += 8) {
    const width = n - column;
    let from = codes + <usize>column;
    const scale = isEach ? scales + ((<usize>column) << 2) : scales;
    if (width < 8) {
      for (let row = 0; row < k; row++) {
        v128.store(out, f32x4.splat(0));
        v128.store(out, f32x4.splat(0), 16);
        for (let i = 0; i < width; i++) {
          const by = load<f32>(isEach ? scale + ((<usize>i) << 2) : scale);
          store<f32>(out + ((<usize>i) << 2), (<f32>load<u8>(from + <usize>i) + offset) * by);
        }
        from += <usize>n;
        out += 32;
      }
      return;
    }
    const left = isEach ? v128.load(scale) : v128.load32_splat(scale);
    const right = isEach ? v128.load(scale, 16) : left;
    for (let row = 0; row < k; row++) {
      const halves = i16x8.extend_low_i8x16_u(v128.load64_zero(from));
      const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(halves));
      const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(halves));
      v128.store(out, f32x4.mul(f32x4.add(low, offsets), left));
      v128.store(out, f32x4.mul(f32x4.add(high, offsets), right), 16);
      from += <usize>n;
      out += 32;
    }
  }
}
