// AssemblyScript: the sum of two tensors of one shape, as where a residual block ends.

/** `[count]` each, float32. */
export function add(a: usize, b: usize, count: i32, out: usize): void {
  for (; count >= 8; count -= 8) {
    v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
    v128.store(out, f32x4.add(v128.load(a, 16), v128.load(b, 16)), 16);
    a += 32;
    b += 32;
    out += 32;
  }
  for (; count > 0; count--) {
    store<f32>(out, load<f32>(a) + load<f32>(b));
    a += 4;
    b += 4;
    out += 4;
  }
}
