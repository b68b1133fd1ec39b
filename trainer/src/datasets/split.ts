import { createRandom, type Random, shuffle } from '../config/random.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import type { Dataset, ImageSet } from './dataset.ts';

/** Some images of a set, by ascending index. */
export interface Part {
  readonly set: ImageSet;
  readonly indices: readonly number[];
}

/** All images of a set. */
export function whole(set: ImageSet): Part {
  return { set, indices: [...Array(set.length).keys()] };
}

/** Images for training, for choosing the checkpoint, and for the final accuracy. */
export interface Splits {
  readonly train: Part;
  readonly validation: Part;
  readonly test: Part;
}

/**
 * Splits a data set. Where it has no validation or test images of its own, the fractions
 * `validation` and `test` of its training images are drawn with the seed, stratified by class, at
 * least one of each class, and copies together; or, in order, its training images are cut into
 * three. The same images, fractions and seed give the same split on every machine, whatever has been
 * decided about them.
 *
 * @throws TrainerError `config_invalid` where images that are to be cut in order are sorted by
 *   class, as those of a folder are
 */
export function splitDataset(
  dataset: Dataset,
  settings: Pick<TrainConfig, 'split' | 'validation' | 'test' | 'limit' | 'seed'>,
): Splits {
  const { limit, seed } = settings;
  const splits = settings.split === 'in-order' ? slice(dataset, settings) : draw(dataset, settings);
  if (limit === null) return splits;
  const few = ({ set, indices }: Part, count: number): Part => ({
    set,
    indices: subset(indices, set, { count, seed }),
  });
  return {
    train: few(splits.train, limit),
    validation: few(splits.validation, limit / 5),
    test: few(splits.test, limit / 5),
  };
}

type Shares = Pick<TrainConfig, 'validation' | 'test' | 'seed'>;

/** As `train[:10%]`, `train[10%:25%]` and `train[25%:]` of TensorFlow Datasets do. */
function slice({ title, train: set }: Dataset, { validation, test }: Shares): Splits {
  if (isByClass(set)) {
    throw new TrainerError(
      'config_invalid',
      `Expected images in mixed order for --split in-order, but those of ${title} are sorted by class, so only the first classes would be tested: pass --split stratified.`,
    );
  }
  const firstToChoose = Math.round(test * set.length);
  const firstToTrain = Math.round((test + validation) * set.length);
  const all = range(set.length);
  return {
    test: { set, indices: all.slice(0, firstToChoose) },
    validation: { set, indices: all.slice(firstToChoose, firstToTrain) },
    train: { set, indices: all.slice(firstToTrain) },
  };
}

function isByClass(set: ImageSet): boolean {
  return range(set.length).every(
    (index) => index === 0 || set.label(index - 1) <= set.label(index),
  );
}

function draw(dataset: Dataset, { validation, test, seed }: Shares): Splits {
  const { drawnFrom } = dataset.train;
  const pool = drawnFrom?.set ?? dataset.train;
  // Copies of an image go into its split, since an image of the training set must not be in the test set.
  const copies = groupCopies(pool);
  const withCopies = (some: readonly number[]) =>
    some.flatMap((index) => copies.get(index) ?? []).sort((a, b) => a - b);
  /** As a part of the images after all decisions. */
  const decided = (indices: readonly number[], added: readonly number[] = []): Part => ({
    set: dataset.train,
    indices: drawnFrom
      ? [...indices.flatMap((index) => drawnFrom.places[index] ?? []), ...added].sort(
          (a, b) => a - b,
        )
      : indices,
  });
  let rest = [...copies.keys()];
  const part = (own: ImageSet | null, fraction: number, drawSeed: number, keep: number): Part => {
    if (own) return { set: own, indices: range(own.length) };
    const count = Math.max(Math.round(fraction * rest.length), 1);
    const indices = subset(drawable(rest, copies, pool), pool, { count, seed: drawSeed, keep });
    const drawn = new Set(indices);
    rest = rest.filter((index) => !drawn.has(index));
    return decided(withCopies(indices));
  };
  // In this order: each split leaves the rest to the next, with at least one image of every class.
  const drawn = {
    test: part(dataset.test, test, seed + 1, dataset.validation ? 1 : 2),
    validation: part(dataset.validation, validation, seed, 1),
  };
  return { ...drawn, train: decided(withCopies(rest), drawnFrom?.added) };
}

/** A group of copies with a larger share of its class is trained on: held out, it would leave too few others. */
const LARGEST_SHARE = 0.2;

/** @returns those of some images whose groups may be held out, or all of a class that has hardly any such */
function drawable(
  indices: readonly number[],
  copies: ReadonlyMap<number, readonly number[]>,
  pool: ImageSet,
): number[] {
  const classes = Map.groupBy(indices, (index) => pool.label(index));
  const sizeOf = (index: number) => copies.get(index)?.length ?? 1;
  return [...classes.values()]
    .flatMap((members) => {
      const total = members.reduce((sum, index) => sum + sizeOf(index), 0);
      const small = members.filter(
        (index) => sizeOf(index) === 1 || sizeOf(index) <= LARGEST_SHARE * total,
      );
      return small.length >= 3 ? small : members;
    })
    .sort((a, b) => a - b);
}

/** @returns for each different image, in order, its index and those of its copies, itself first */
function groupCopies(set: ImageSet): Map<number, number[]> {
  const firsts = new Map<string | number, number>();
  const copies = new Map<number, number[]>();
  for (const index of range(set.length)) {
    const key = set.group?.(index) ?? index;
    const first = firsts.get(key) ?? index;
    if (first === index) {
      firsts.set(key, index);
      copies.set(index, []);
    }
    copies.get(first)?.push(index);
  }
  return copies;
}

/**
 * Draws `count` of `indices`, stratified by class (whole numbers by largest remainder, ties at
 * random); all of them if there are no more.
 *
 * @param options.keep images that each class keeps at least; a class with more gives at least one,
 *   so the sum is only about `count`
 * @returns ascending
 */
export function subset(
  indices: readonly number[],
  set: ImageSet,
  { count, seed, keep }: { readonly count: number; readonly seed: number; readonly keep?: number },
): number[] {
  if (count >= indices.length) return [...indices];
  const classes = new Map<number, number[]>();
  for (const index of indices) {
    const label = set.label(index);
    const members = classes.get(label);
    if (members) members.push(index);
    else classes.set(label, [index]);
  }
  // Sorted by label, so that a split does not depend on which image comes first.
  const ordered = [...classes].sort(([a], [b]) => a - b).map(([, members]) => members);
  const random = createRandom(seed);
  const shuffled = ordered.map((members) => shuffle(members, random));
  const counts = apportion(
    ordered.map((members) => (members.length * count) / indices.length),
    count,
    random,
  );
  return shuffled
    .flatMap((members, place) => {
      const share = counts[place] as number;
      if (keep === undefined) return members.slice(0, share);
      const spare = Math.max(members.length - keep, 0);
      return members.slice(0, Math.min(Math.max(share, 1), spare));
    })
    .sort((a, b) => a - b);
}

/**
 * Whole numbers near `shares` that add up to `total`: the largest remainders are rounded up, ties
 * at random, since otherwise the last of many classes would never be drawn.
 */
function apportion(shares: readonly number[], total: number, random: Random): number[] {
  const counts = shares.map(Math.floor);
  const missing = total - counts.reduce((sum, count) => sum + count, 0);
  // The sort is stable, so shuffling first breaks ties at random.
  const byRemainder = shuffle(range(shares.length), random).sort(
    (a, b) => remainder(shares[b]) - remainder(shares[a]),
  );
  for (const place of byRemainder.slice(0, missing)) counts[place] = (counts[place] ?? 0) + 1;
  return counts;
}

const remainder = (share = 0): number => share - Math.floor(share);
const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
