import { createHash } from 'node:crypto';
import { basename, relative } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import type { Dataset, ImageSet } from '../dataset.ts';
import { applyDecisions, type DecidedPhoto } from '../decisions/apply-decisions.ts';
import { Decisions } from '../decisions/decisions.ts';
import { decodingThreads } from '../decoding/decoding-threads.ts';
import { KeptImages } from '../decoding/kept-images.ts';
import { classCounts, labelsOf } from '../lists/several-labels.ts';
import { ReadAhead } from '../read-ahead.ts';
import { looseKey } from './class-folders.ts';
import { findRepeats, MIN_IMAGES } from './find-repeats.ts';
import {
  type Inspection,
  type InspectOptions,
  inspectFolder,
  type Photo,
} from './inspect-folder.ts';
import { describeProblems } from './inspection-report.ts';

export interface ImageFolderOptions extends InspectOptions {
  say(line: string): void;
}

/**
 * Opens a folder of photos in class folders, with or without splits (see `findLayout`), and reports
 * what the user should know about the images before training or measuring on them. Images are read
 * when they are needed; those of a small folder then stay in memory.
 *
 * @throws TrainerError `dataset_invalid` where there are fewer than two classes; in training, where
 *   a class has too few images or a split none; where the splits have other classes than `train`;
 *   or, when strict, where a file is not an image
 */
export async function openImageFolder(root: string, options: ImageFolderOptions): Promise<Dataset> {
  const found = await inspectFolder(root, options);
  const { dataset, inspection, notes } = decidedDataset(
    found,
    await Decisions.read(found.folder),
    options.size,
  );
  for (const line of [...describeProblems(inspection, options.purpose), ...notes]) {
    options.say(line);
  }
  if (options.purpose === 'training') checkToTrain(inspection, options.say);
  return dataset;
}

/**
 * The images of a folder after a person's decisions.
 *
 * @returns also the inspection without what is decided, and in sentences what was
 */
export function decidedDataset(
  found: Inspection,
  decisions: Decisions,
  size: number,
): {
  readonly dataset: Dataset;
  readonly inspection: Inspection;
  readonly notes: readonly string[];
} {
  const { photos, places, notes } = applyDecisions(found, decisions);
  if (notes.length === 0) return { dataset: folderDataset(found, size), inspection: found, notes };
  const inspection = { ...found, photos, repeats: findRepeats(found.folder, photos, found.near) };
  const dataset = folderDataset(inspection, size);
  const train = drawnFrom(dataset.train, found.photos.train, photos.train, places);
  return { dataset: { ...dataset, train }, inspection, notes };
}

/** The images of a folder as a data set. */
function folderDataset(
  {
    folder,
    labels,
    photos,
    isMultiLabel,
  }: Pick<Inspection, 'folder' | 'labels' | 'isMultiLabel'> & {
    readonly photos: Inspection['photos'] & { readonly train: readonly DecidedPhoto[] };
  },
  size: number,
): Dataset {
  const hash = createHash('sha256').update(JSON.stringify(labels));
  const all: DecidedPhoto[] = Object.values(photos).flatMap((split) => split ?? []);
  for (const photo of all) {
    hash.update(`${relative(folder, photo.path)}\n${photo.hash}\n`);
    if (photo.labels) hash.update(`${photo.labels}\n`);
    // The split depends on which images are together.
    if (photo.group !== photo.hash) hash.update(`${photo.group}\n`);
    if (photo.decided) hash.update(`${photo.decided} ${photo.label}\n`);
  }
  const kept = new KeptImages();
  const setOf = (of: readonly Photo[]) => imageSet(of, size, isMultiLabel, kept);
  return {
    id: basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, ''),
    title: printable(basename(folder)),
    labels,
    train: setOf(photos.train),
    validation: photos.validation && setOf(photos.validation),
    test: photos.test && setOf(photos.test),
    hash: hash.digest('hex'),
    licence: 'Your own photos.',
  };
}

/** The training images, with those that splits are drawn from: all of the folder but those added from production. */
function drawnFrom(
  train: ImageSet,
  found: readonly Photo[],
  decided: readonly DecidedPhoto[],
  places: readonly (number | undefined)[],
): ImageSet {
  const isAdded = (place: number | undefined) =>
    place !== undefined && decided[place]?.decided === 'added';
  const drawn = [...found.keys()].filter((index) => !isAdded(places[index]));
  const set = imageSet(
    drawn.map((index) => found[index] as Photo),
    0,
    train.labels !== undefined,
  );
  return {
    ...train,
    drawnFrom: {
      set,
      places: drawn.map((index) => places[index]),
      added: [...decided.keys()].filter(isAdded),
    },
  };
}

/** @throws TrainerError `dataset_invalid` where there are too few images */
function checkToTrain(
  { folder, labels, photos }: Inspection,
  say: ImageFolderOptions['say'],
): void {
  const counts = classCounts(photos.train, labels.length);
  const different = classCounts(withoutCopies(photos.train), labels.length);
  const scarce = [...different.keys()].filter((at) => (different[at] as number) < MIN_IMAGES);
  const [first, ...others] = scarce;
  if (first !== undefined) {
    const copies = (counts[first] as number) - (different[first] as number);
    const found = `${different[first]}${copies > 0 ? `, not counting copies (${copies})` : ''}`;
    const alike = labels.find((name, at) => at !== first && isAlike(name, labels[first] as string));
    const names = others.map((at) => labels[at] as string);
    throw new TrainerError(
      'dataset_invalid',
      [
        `Expected at least ${MIN_IMAGES} different images of ${labels[first]}, but there are ${found}: add some, or ${alike === undefined ? 'remove the class' : `move them to ${alike} if they show the same`}`,
        ...(names.length > 0 ? [`; as few of ${listNames(names, 5)}`] : []),
        ...(scarce.length > labels.length / 2 ? [': is each folder a class?'] : ['.']),
      ].join(''),
    );
  }
  for (const split of ['validation', 'test'] as const) {
    if (photos[split]?.length !== 0) continue;
    throw new TrainerError(
      'dataset_invalid',
      `Expected images in the ${split} folder of ${folder}, but there are none: add some, or remove the folder, and they will be drawn from the training images.`,
    );
  }
  say(`Training images: ${listCounts(labels, counts)}.`);
}

/** Whether names are of the same things but for case, spaces and the plural. */
function isAlike(a: string, b: string): boolean {
  const [one, other] = [a, b].map((name) => looseKey(name).replace(/s$/, ''));
  return one === other;
}

function imageSet(
  photos: readonly Photo[],
  ownSize: number,
  isMultiLabel: boolean,
  kept = new KeptImages(),
): ImageSet {
  const at = (index: number): Photo => {
    const photo = photos[index];
    if (!photo) throw new RangeError(`There is no image ${index} of ${photos.length}.`);
    return photo;
  };
  const ahead = new ReadAhead(async (index, size) => {
    const photo = at(index);
    try {
      return await kept.read(`${size}/${photo.path}`, async () => {
        return (await decodingThreads.decode(photo.path, size)).image;
      });
    } catch (cause) {
      throw new TrainerError(
        'dataset_invalid',
        `Expected the image ${photo.path} as it was when the training began, but it cannot be read: restore it, and continue with --resume.`,
        cause,
      );
    }
  });
  return {
    length: photos.length,
    image: (index, size = ownSize) => ahead.take(index, size),
    prefetch: (indices, size = ownSize) => ahead.prefetch(indices, size),
    label: (index) => at(index).label,
    ...(isMultiLabel && { labels: (index) => labelsOf(at(index)) }),
    path: (index) => at(index).path,
    group: (index) => at(index).group,
  };
}

/** @returns the first image of each group of copies */
function withoutCopies(photos: readonly Photo[]): Photo[] {
  return [...new Map(photos.toReversed().map((photo) => [photo.hash, photo])).values()];
}

/** Counts by class; of many classes, only the largest and the smallest count. */
function listCounts(labels: readonly string[], counts: readonly number[]): string {
  if (labels.length <= 20)
    return labels.map((name, label) => `${name} ${counts[label]}`).join(', ');
  const total = counts.reduce((sum, count) => sum + count, 0);
  return `${total} of ${labels.length} classes, ${Math.min(...counts)} to ${Math.max(...counts)} each`;
}
