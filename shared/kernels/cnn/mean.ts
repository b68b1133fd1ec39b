// AssemblyScript: the mean of an image's pixels, as before a classifier.

/** `[batch, pixels, channels]` to `[batch, channels]`, float32. */
export function meanOfPixels(x: usize, batch: i32, pixels: i32, channels: i32, out: usize): void {
  const pixelBytes = (<usize>channels) << 2;
  const share: f32 = 1 / <f32>pixels;
  for (let b = 0; b < batch; b++) {
    let channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
      let sum = f32x4.splat(0);
      let at = x + ((<usize>channel) << 2);
      for (const end = at + <usize>pixels * pixelBytes; at < end; at += pixelBytes) {
        sum = f32x4.add(sum, v128.load(at));
      }
      v128.store(out + ((<usize>channel) << 2), f32x4.mul(sum, f32x4.splat(share)));
    }
    for (; channel < channels; channel++) {
      let sum: f32 = 0;
      let at = x + ((<usize>channel) << 2);
      for (const end = at + <usize>pixels * pixelBytes; at < end; at += pixelBytes) {
        sum += load<f32>(at);
      }
      store<f32>(out + ((<usize>channel) << 2), sum * share);
    }
    x += <usize>pixels * pixelBytes;
    out += pixelBytes;
  }
}
