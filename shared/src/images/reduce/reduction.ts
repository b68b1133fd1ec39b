/**
 * The factor by which an image is reduced before it is resized: the largest whole number that leaves its
 * centred square at least twice as wide as the network's input. The antialiased resize then changes
 * probabilities by no more than a few thousandths (see the reduction test).
 *
 * @param size side of the network's input, in pixels
 */
export function reductionFor(width: number, height: number, size: number): number {
  const wanted = Math.floor(Math.min(width, height) / (2 * size));
  return Math.min(Math.max(wanted, 1), maxReduction);
}

/** Keeps the sum of a square, 255 × 255 × reduction², within 32 bits. */
const maxReduction = 256;
