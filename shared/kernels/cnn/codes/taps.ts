// AssemblyScript: the weights of depthwise convolutions in 8 bits.

/** Of a vector: a byte for each of four columns, of four channels. */
const VECTOR: usize = 16;

/** What `packTaps` makes of a filter takes as much. */
export function tapBytes(filterHeight: i32, filterWidth: i32, channels: i32): i32 {
  return <i32>(<usize>(channels >> 2) * quadBytes(filterHeight, filterWidth));
}

/** Of four channels. */
export function quadBytes(filterHeight: i32, filterWidth: i32): usize {
  return VECTOR * <usize>(1 + filterHeight * vectorsOf(filterWidth));
}

/** Of a row of the filter: its first four columns, and those after them. */
function vectorsOf(filterWidth: i32): i32 {
  return (filterWidth + 3) >> 2;
}

/**
 * Quantizes a depthwise filter, each channel with a scale of its own, so that its largest weight is 127. Weights that
 * were stored in that way get back what they were stored as.
 *
 * @param filter `[filterHeight, filterWidth, channels]`, float32
 * @param channels a multiple of four
 * @param to for each four channels, their scales, and for each row of the filter its columns, four a vector
 */
export function packTaps(
  filter: usize,
  filterHeight: i32,
  filterWidth: i32,
  channels: i32,
  to: usize,
): void {
  const pixelBytes = (<usize>channels) << 2;
  const taps = filterHeight * filterWidth;
  for (let channel = 0; channel < channels; channel += 4) {
    let largest = f32x4.splat(0);
    for (let tap = 0; tap < taps; tap++)
      largest = f32x4.max(largest, f32x4.abs(v128.load(filter + <usize>tap * pixelBytes)));
    const some = f32x4.gt(largest, f32x4.splat(0));
    const inverse = v128.and(f32x4.div(f32x4.splat(127), largest), some);
    v128.store(to, f32x4.div(largest, f32x4.splat(127)));
    to += VECTOR;
    let from = filter;
    for (let row = 0; row < filterHeight; row++) {
      let vector = i32x4.splat(0);
      for (let column = 0; column < filterWidth; column++) {
        const weights = f32x4.nearest(f32x4.mul(v128.load(from), inverse));
        const bytes = v128.and(i32x4.trunc_sat_f32x4_s(weights), i32x4.splat(255));
        vector = v128.or(vector, i32x4.shl(bytes, (column & 3) << 3));
        if ((column & 3) === 3 || column === filterWidth - 1) {
          v128.store(to, vector);
          vector = i32x4.splat(0);
          to += VECTOR;
        }
        from += pixelBytes;
      }
    }
    filter += VECTOR;
  }
}

/**
 * The weights of four channels at each place that they take in a vector of four columns.
 *
 * @param rows of `packTaps`
 * @param shifts `[count]`, i32: columns to the right, negative for what is left of a row that began in the vector before
 * @param to `[filterHeight, count]` vectors
 */
export function shiftTaps(
  rows: usize,
  filterHeight: i32,
  filterWidth: i32,
  shifts: usize,
  count: i32,
  to: usize,
): void {
  const rowBytes = VECTOR * <usize>vectorsOf(filterWidth);
  const stride = VECTOR * <usize>count;
  for (let i: usize = 0; i < <usize>count; i++) {
    const shift = load<i32>(shifts + (i << 2));
    let from = rows;
    let at = to + VECTOR * i;
    for (let row = 0; row < filterHeight; row++) {
      const first = v128.load(from);
      let vector: v128;
      if (shift >= 0) vector = i32x4.shl(first, shift << 3);
      else {
        // In two steps, since one by 32 bits is none.
        vector = i32x4.shr_u(i32x4.shr_u(first, -shift << 2), -shift << 2);
        if (filterWidth > 4)
          vector = v128.or(vector, i32x4.shl(v128.load(from + VECTOR), (4 + shift) << 3));
      }
      v128.store(at, vector);
      from += rowBytes;
      at += stride;
    }
  }
}
