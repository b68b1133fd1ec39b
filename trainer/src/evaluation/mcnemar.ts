/**
 * McNemar's test in its exact form: how probable it is that two equally good classifiers differ at least as
 * unevenly on the images that one of them gets right and the other wrong.
 *
 * @param one images that only the first gets right
 * @param other images that only the second gets right
 * @returns the two-sided p-value, 0–1
 * @see McNemar 1947; Dietterich 1998, Approximate statistical tests for comparing supervised classification learning algorithms
 */
export function mcnemar(one: number, other: number): number {
  const all = one + other;
  // The logarithm of C(all, 0) / 2^all, and then of the next.
  let term = -all * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(one, other); k++) {
    tail += Math.exp(term);
    term += Math.log(all - k) - Math.log(k + 1);
  }
  return Math.min(1, 2 * tail);
}
