/** The inputs of each output position, all of which have the same number of taps. */
export interface Taps {
  /** First input position of each output position. */
  readonly first: Int32Array;
  /** Pairs of taps per output position. Some reach beyond the input, with weight 0. */
  readonly pairs: number;
  /**
   * Fixed-point weights in two parts, `weight = high * 256 + low`: for each pair
   * `[high, high, low, low]`.
   */
  readonly weights: Int16Array;
}

const PRECISION_BITS = 22;

/**
 * The weights of Pillow's resize: antialiased when the image gets smaller, rounded to 22 bits.
 *
 * @see Pillow, `src/libImaging/Resample.c`, `precompute_coeffs` and `normalize_coeffs_8bpc`
 */
export function bicubicTaps(from: number, to: number): Taps {
  const scale = from / to;
  // When the image gets smaller, the filter covers all pixels that one output pixel replaces.
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const windows = Array.from({ length: to }, (_, out) => {
    const center = (out + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    return { center, begin, length: end - begin };
  });
  const longest = Math.max(...windows.map(({ length }) => length));
  const pairs = Math.ceil(longest / 2);
  const weights = new Int16Array(to * pairs * 4);
  const shares = new Float64Array(longest);
  // Each new size of images is laid out while a request waits: plain loops, which are fast at once.
  for (const [out, { center, begin, length }] of windows.entries()) {
    let total = 0;
    for (let tap = 0; tap < length; tap++) {
      const share = bicubic((begin + tap - center + 0.5) / filterScale);
      shares[tap] = share;
      total += share;
    }
    for (let tap = 0; tap < length; tap++) {
      const weight = ((shares[tap] as number) / total) * (1 << PRECISION_BITS);
      const fixed = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
      const at = (out * pairs + (tap >> 1)) * 4 + (tap & 1);
      weights[at] = fixed >> 8;
      weights[at + 2] = fixed & 255;
    }
  }
  return { first: Int32Array.from(windows, ({ begin }) => begin), pairs, weights };
}

/** Keys' cubic convolution with a = −0.5 (Keys 1981), as in Pillow. */
function bicubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}
