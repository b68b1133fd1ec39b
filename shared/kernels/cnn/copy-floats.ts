// AssemblyScript.

/** A few, at the edge of a matrix. */
export function copyFloats(from: usize, to: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<f32>(to + ((<usize>i) << 2), load<f32>(from + ((<usize>i) << 2)));
  }
}
