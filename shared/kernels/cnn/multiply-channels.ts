// AssemblyScript: channels times factors of their own, as where a squeeze-and-excitation block ends.

/**
 * `[batch, pixels, channels]` times `[batch, 1, channels]`, float32. With one batch of one pixel, it is
 * the product of two tensors of one shape.
 */
export function multiplyChannels(
  x: usize,
  factors: usize,
  batch: i32,
  pixels: i32,
  channels: i32,
  out: usize,
): void {
  for (; batch > 0; batch--) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      let factor = factors;
      let count = channels;
      for (; count >= 8; count -= 8) {
        v128.store(out, f32x4.mul(v128.load(x), v128.load(factor)));
        v128.store(out, f32x4.mul(v128.load(x, 16), v128.load(factor, 16)), 16);
        x += 32;
        factor += 32;
        out += 32;
      }
      for (; count > 0; count--) {
        store<f32>(out, load<f32>(x) * load<f32>(factor));
        x += 4;
        factor += 4;
        out += 4;
      }
    }
    factors += (<usize>channels) << 2;
  }
}
