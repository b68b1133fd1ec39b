import { TrainerError } from '../errors.ts';
import type { PictureSet } from './dataset.ts';
import { createRandom, shuffle } from './random.ts';

/** Indices into one `PictureSet`, ascending, without overlap. */
export interface Split {
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

/**
 * Sets pictures aside to choose the checkpoint by: `validation` of them drawn by
 * `seed`, each class with its share (whole numbers by largest remainder). The
 * same set, count and seed give the same split everywhere.
 *
 * @throws TrainerError `config_invalid` if nothing would be left to train or to validate
 */
export function splitStratified(
  set: PictureSet,
  { validation, seed }: { readonly validation: number; readonly seed: number },
): Split {
  if (!(Number.isInteger(validation) && validation > 0 && validation < set.length)) {
    throw new TrainerError(
      'config_invalid',
      `The number of validation pictures should be 1 to ${set.length - 1}, and is ${validation}.`,
    );
  }
  const chosen = new Set(drawPerClass(range(set.length), set, validation, seed));
  const all = range(set.length);
  return {
    train: all.filter((index) => !chosen.has(index)),
    validation: all.filter((index) => chosen.has(index)),
  };
}

/**
 * Draws `count` of `indices`, each class with its share, for a short run; all
 * of them if there are no more.
 *
 * @returns ascending
 */
export function subset(
  indices: readonly number[],
  set: PictureSet,
  { count, seed }: { readonly count: number; readonly seed: number },
): number[] {
  if (count >= indices.length) return [...indices];
  return drawPerClass(indices, set, count, seed).sort((a, b) => a - b);
}

function drawPerClass(
  indices: readonly number[],
  set: PictureSet,
  count: number,
  seed: number,
): number[] {
  const classes = new Map<number, number[]>();
  for (const index of indices) {
    const label = set.label(index);
    const members = classes.get(label);
    if (members) members.push(index);
    else classes.set(label, [index]);
  }
  // In the order of labels, so that a split does not depend on which picture comes first.
  const ordered = [...classes].sort(([a], [b]) => a - b).map(([, members]) => members);
  const counts = apportion(
    ordered.map((members) => (members.length * count) / indices.length),
    count,
  );
  const random = createRandom(seed);
  return ordered.flatMap((members, place) => shuffle(members, random).slice(0, counts[place]));
}

/** Whole numbers near `shares` that add up to `total`: the largest remainders are rounded up. */
function apportion(shares: readonly number[], total: number): number[] {
  const counts = shares.map(Math.floor);
  const missing = total - counts.reduce((sum, count) => sum + count, 0);
  const byRemainder = range(shares.length).sort(
    (a, b) => remainder(shares[b]) - remainder(shares[a]) || a - b,
  );
  for (const place of byRemainder.slice(0, missing)) counts[place] = (counts[place] ?? 0) + 1;
  return counts;
}

const remainder = (share = 0): number => share - Math.floor(share);
const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
