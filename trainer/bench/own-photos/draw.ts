import { createRandom, shuffle } from '../../src/config/random.ts';
import { inspectFolder, type Photo } from '../../src/datasets/folders/inspect-folder.ts';
import { TrainerError } from '../../src/errors.ts';

export const MOST_TRAIN = 1500;
export const MOST_TEST = 500;

/** The images of a data set that train, and those that test. */
export interface Draw {
  readonly labels: readonly string[];
  readonly train: readonly Photo[];
  readonly test: readonly Photo[];
}

export interface DrawOptions {
  /** Images of each class that train; undefined for four fifths of it. */
  readonly perClass: number | undefined;
  readonly seed: number;
  /** Whether near-duplicates of images to train test too, as in splits that do not look for them. */
  readonly nearDuplicates?: boolean | undefined;
}

/**
 * Draws the images that train and those that test, at random within each class. An image that is nearly the
 * same as one to train is no test, and is left out; where a fifth of a class tests, such images are drawn
 * together, so that hardly any are.
 */
export async function drawPhotos(
  path: string,
  { perClass, seed, nearDuplicates = false }: DrawOptions,
): Promise<Draw> {
  const { labels, photos: found } = await inspectFolder(path, {
    ...{ purpose: 'measuring', size: 128, strict: false, signal: new AbortController().signal },
    startProgress: () => ({ advance: () => {}, stop: () => {} }),
  });
  const random = createRandom(seed);
  const all = shuffle([...found.train], random);
  const classes = labels.map((_, label) => all.filter((photo) => photo.label === label));
  const groupOf = (photo: Photo) => (nearDuplicates ? photo : photo.group);
  const split = classes.map((photos) => splitClass(photos, perClass, groupOf));
  if (split.some(({ test }) => test.length === 0)) {
    throw new TrainerError(
      'config_invalid',
      `Expected more than --per-class ${perClass} images in each class of ${path}.`,
    );
  }
  const cut = (photos: Photo[], most: number) => shuffle(photos, random).slice(0, most);
  const train = cut(
    split.flatMap((photos) => photos.train),
    MOST_TRAIN,
  );
  const trained = new Set(train.map(groupOf));
  const test = split
    .flatMap((photos) => photos.test)
    .filter((photo) => !trained.has(groupOf(photo)));
  return { labels, train, test: cut(test, MOST_TEST) };
}

function splitClass(
  photos: readonly Photo[],
  perClass: number | undefined,
  groupOf: (photo: Photo) => unknown,
) {
  if (perClass !== undefined) {
    const tested = Math.max(0, photos.length - perClass);
    return { test: photos.slice(0, tested), train: photos.slice(tested) };
  }
  // In the order of each group's first image.
  const together = [...Map.groupBy(photos, groupOf).values()].flat();
  const tested = Math.ceil(photos.length / 5);
  return { test: together.slice(0, tested), train: together.slice(tested) };
}
