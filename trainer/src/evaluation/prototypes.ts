import { type Random, shuffle } from '../config/random.ts';

/** Vectors of one length, in rows. */
export interface Rows {
  readonly width: number;
  /** `[n, width]` in row-major order. */
  readonly values: Float32Array;
}

/** Enough for the assignments to settle; more moved no threshold by a thousandth. */
const ITERATIONS = 12;

/** The rows at some places, each divided by its Euclidean norm. */
export function unitRows({ width, values }: Rows, places: readonly number[]): Rows {
  const units = new Float32Array(places.length * width);
  for (const [at, place] of places.entries()) {
    const row = values.subarray(place * width, (place + 1) * width);
    units.set(row, at * width);
    normalize(units.subarray(at * width, (at + 1) * width));
  }
  return { width, values: units };
}

/**
 * Spherical k-means (Dhillon and Modha 2001): directions to which each row is as close as can be.
 *
 * @param rows of norm 1
 * @param count at most; fewer where there are fewer rows
 * @returns centres of norm 1
 */
export function clusterDirections(rows: Rows, count: number, random: Random): Rows {
  const { width, values } = rows;
  const length = values.length / width;
  const first = shuffle(Array(length).keys(), random).slice(0, count);
  let centres = unitRows(rows, first);
  for (let round = 0; round < ITERATIONS; round++) {
    const sums = new Float32Array(centres.values.length);
    for (let at = 0; at < length; at++) {
      const row = values.subarray(at * width, (at + 1) * width);
      const begin = nearestTo(row, centres).place * width;
      for (let i = 0; i < width; i++) {
        sums[begin + i] = (sums[begin + i] as number) + (row[i] as number);
      }
    }
    // A centre that no row is closest to stays where it was.
    const isMoved = (place: number) =>
      sums.subarray(place * width, (place + 1) * width).some((value) => value !== 0);
    for (let place = 0; place < first.length; place++) {
      const begin = place * width;
      if (!isMoved(place)) sums.set(centres.values.subarray(begin, begin + width), begin);
      normalize(sums.subarray(begin, begin + width));
    }
    centres = { width, values: sums };
  }
  return centres;
}

/** The largest dot product of a row with any of the others, and which of them that is. */
export function nearestTo(
  row: Float32Array,
  { width, values }: Rows,
): { readonly place: number; readonly product: number } {
  let place = -1;
  let product = Number.NEGATIVE_INFINITY;
  for (let at = 0; at * width < values.length; at++) {
    let sum = 0;
    const begin = at * width;
    for (let i = 0; i < width; i++) sum += (row[i] as number) * (values[begin + i] as number);
    if (sum > product) [place, product] = [at, sum];
  }
  return { place, product };
}

/** The Euclidean norm, or 1 for a row of zeros, which it then divides. */
export function normOf(row: Float32Array): number {
  return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
}

/** In place. A row of zeros stays one. */
function normalize(row: Float32Array): void {
  const norm = normOf(row);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] as number) / norm;
}
