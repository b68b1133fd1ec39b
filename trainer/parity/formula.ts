/**
 * Weights and images from a formula of a tensor's name and an element's index: so that Keras and
 * this package can compute with the same numbers, bit for bit, without storing them. The parity
 * tests use it; parity/formula.py is its twin.
 */

/** 32-bit FNV-1a of the UTF-8 bytes. */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Numbers in [-1, 1), multiples of 2⁻²³. */
export function signedValues(name: string, count: number): Float32Array {
  return fill(name, count, (uniform) => uniform * 2 - 1);
}

/**
 * The values of the weight `layer/weight`.
 *
 * @param gain kernels have the variance `gain / (3 fan-in)`; each golden file states its gain
 */
export function weightValues(name: string, shape: readonly number[], gain: number): Float32Array {
  const kind = name.slice(name.lastIndexOf('/') + 1);
  const count = product(shape);
  switch (kind) {
    case 'gamma':
    case 'moving_variance':
      return fill(name, count, (uniform) => uniform + 0.5);
    case 'beta':
    case 'moving_mean':
    case 'bias':
      return fill(name, count, (uniform) => (uniform * 2 - 1) * 0.125);
    default: {
      const fanIn = product(kind === 'depthwise_kernel' ? shape.slice(0, 2) : shape.slice(0, -1));
      const bound = Math.fround(Math.sqrt(gain / fanIn));
      return fill(name, count, (uniform) => (uniform * 2 - 1) * bound);
    }
  }
}

/** @param toValue maps a multiple of 2⁻²⁴ in [0, 1) to a value, which is rounded to float32 */
function fill(name: string, count: number, toValue: (uniform: number) => number): Float32Array {
  const values = new Float32Array(count);
  const hash = hashOf(name);
  for (let index = 0; index < count; index++) {
    // MurmurHash3's finalizer over a Weyl sequence.
    let x = Math.imul(index, 0x9e3779b9) + hash;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    values[index] = toValue((x >>> 8) * 2 ** -24);
  }
  return values;
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, length) => total * length, 1);
}
