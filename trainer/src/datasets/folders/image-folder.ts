import { createHash } from 'node:crypto';
import { basename, relative } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import type { Dataset, ImageSet } from '../dataset.ts';
import { decodingThreads } from '../decoding/decoding-threads.ts';
import { ReadAhead } from '../read-ahead.ts';
import { MIN_IMAGES } from './find-repeats.ts';
import {
  type Inspection,
  type InspectOptions,
  inspectFolder,
  type Photo,
} from './inspect-folder.ts';
import { classCounts, describeProblems } from './inspection-report.ts';

export interface ImageFolderOptions extends InspectOptions {
  say(line: string): void;
}

/**
 * Opens a folder of photos in class folders, with or without splits (see `findLayout`), and reports
 * what the user should know about the images before training or measuring on them. Images are read
 * when they are needed, and never all in memory.
 *
 * @throws TrainerError `dataset_invalid` where there are fewer than two classes; in training, where
 *   a class has too few images or a split none; where the splits have other classes than `train`;
 *   or, when strict, where a file is not an image
 */
export async function openImageFolder(root: string, options: ImageFolderOptions): Promise<Dataset> {
  const inspection = await inspectFolder(root, options);
  const { folder, labels, photos } = inspection;
  for (const line of describeProblems(inspection, options.purpose)) options.say(line);
  if (options.purpose === 'training') checkToTrain(inspection, options.say);
  const title = printable(basename(folder));
  const hash = createHash('sha256').update(JSON.stringify(labels));
  for (const photo of Object.values(photos).flatMap((split) => split ?? [])) {
    hash.update(`${relative(folder, photo.path)}\n${photo.hash}\n`);
    // The split depends on which images are together: a model of before, which had them apart, was trained on others.
    if (photo.group !== photo.hash) hash.update(`${photo.group}\n`);
  }
  const setOf = (of: readonly Photo[]) => imageSet(of, options.size);
  return {
    id: basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, ''),
    title,
    labels,
    train: setOf(photos.train),
    validation: photos.validation && setOf(photos.validation),
    test: photos.test && setOf(photos.test),
    hash: hash.digest('hex'),
    licence: 'Your own photos.',
  };
}

/** @throws TrainerError `dataset_invalid` where there are too few images */
function checkToTrain(
  { folder, labels, photos }: Inspection,
  say: ImageFolderOptions['say'],
): void {
  const counts = classCounts(photos.train, labels.length);
  const different = classCounts(withoutCopies(photos.train), labels.length);
  const scarce = different.findIndex((count) => count < MIN_IMAGES);
  if (scarce >= 0) {
    const copies = (counts[scarce] as number) - (different[scarce] as number);
    const found = `${different[scarce]}${copies > 0 ? `, not counting copies (${copies})` : ''}`;
    throw new TrainerError(
      'dataset_invalid',
      `Expected at least ${MIN_IMAGES} different images of ${labels[scarce]}, but there are ${found}: add some, or remove the class.`,
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

function imageSet(photos: readonly Photo[], ownSize: number): ImageSet {
  const at = (index: number): Photo => {
    const photo = photos[index];
    if (!photo) throw new RangeError(`There is no image ${index} of ${photos.length}.`);
    return photo;
  };
  const ahead = new ReadAhead(async (index, size) => {
    const photo = at(index);
    try {
      return (await decodingThreads.decode(photo.path, size)).image;
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
