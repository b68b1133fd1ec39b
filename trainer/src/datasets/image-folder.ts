import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { TrainerError } from '../errors.ts';
import type { Progress } from '../report/progress.ts';
import type { Dataset, PictureSet } from './dataset.ts';
import { decodePhoto } from './decode-photo.ts';

/** A picture file that decodes. */
interface Photo {
  readonly path: string;
  /** SHA-256 of its bytes. */
  readonly hash: string;
  readonly label: number;
}

/** Folder names that hold a split of their own rather than a class. */
const SPLITS = {
  train: ['train', 'training'],
  validation: ['valid', 'validation', 'val'],
  test: ['test', 'testing'],
} as const;

export interface ImageFolderOptions {
  /** Side of the network's input: pictures come no larger than it can use. */
  readonly size: number;
  /** Fail at the first file that is no picture, rather than skip it. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  say(line: string): void;
  startProgress(title: string, pictures: number): Progress;
}

/**
 * Opens a folder of class folders, `photos/cat/1.jpg`, or one of splits of such,
 * `photos/train/cat/1.jpg` with `valid` and `test` beside `train`.
 *
 * Every file is decoded once, so that a damaged one is known before the training, and read again
 * when it is its turn: the pictures are never all in memory. Hidden files are passed over.
 *
 * @throws TrainerError `dataset_invalid` where there are no two classes, a class has too few
 *   pictures, the splits have other classes than `train`, or, when strict, a file is no picture
 */
export async function openImageFolder(root: string, options: ImageFolderOptions): Promise<Dataset> {
  const folder = resolve(root);
  const splits = await findSplits(folder);
  const labels = await classesIn(splits.train);
  if (labels.length < 2) {
    throw invalid(
      `Expected ${splits.train} to hold a folder for each class, two at least, but it has ${labels.length}.`,
    );
  }
  const files = {
    train: await listFiles(splits.train, labels),
    validation: splits.validation ? await listFiles(splits.validation, labels) : [],
    test: splits.test ? await listFiles(splits.test, labels) : [],
  };
  const scan = new Scan(
    folder,
    options,
    files.train.length + files.validation.length + files.test.length,
  );
  const photos = {
    train: await scan.keepPhotos(files.train),
    validation: await scan.keepPhotos(files.validation),
    test: await scan.keepPhotos(files.test),
  };
  scan.report(labels, photos);
  const hash = createHash('sha256').update(JSON.stringify(labels));
  for (const photo of Object.values(photos).flat()) {
    hash.update(`${relative(folder, photo.path)}\n${photo.hash}\n`);
  }
  const setOf = (of: readonly Photo[]) => pictureSet(of, options.size);
  return {
    id: basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, ''),
    title: basename(folder),
    labels,
    train: setOf(photos.train),
    validation: splits.validation ? setOf(photos.validation) : null,
    test: splits.test ? setOf(photos.test) : null,
    hash: hash.digest('hex'),
    licence: 'Your own photos.',
  };
}

function pictureSet(photos: readonly Photo[], size: number): PictureSet {
  const at = (index: number): Photo => {
    const photo = photos[index];
    if (!photo) throw new RangeError(`There is no picture ${index} of ${photos.length}.`);
    return photo;
  };
  return {
    length: photos.length,
    picture: async (index) => decodePhoto(await readFile(at(index).path), size),
    label: (index) => at(index).label,
  };
}

/** Decodes files, and remembers which ones do not. */
class Scan {
  readonly #folder: string;
  readonly #options: ImageFolderOptions;
  readonly #progress: Progress;
  readonly #skipped: string[] = [];

  constructor(folder: string, options: ImageFolderOptions, files: number) {
    this.#folder = folder;
    this.#options = options;
    this.#progress = options.startProgress(`Reading ${basename(folder)}`, files);
  }

  /** @returns in the order of `files` */
  async keepPhotos(files: readonly { path: string; label: number }[]): Promise<Photo[]> {
    const photos: (Photo | undefined)[] = [];
    let next = 0;
    const work = async () => {
      while (next < files.length) {
        this.#options.signal.throwIfAborted();
        const index = next;
        next += 1;
        const { path, label } = files[index] as { path: string; label: number };
        photos[index] = await this.#open(path, label);
        this.#progress.advance(1);
      }
    };
    try {
      await Promise.all(Array.from({ length: availableParallelism() }, work));
    } catch (error) {
      this.#progress.stop();
      throw error;
    }
    return photos.filter((photo) => photo !== undefined);
  }

  async #open(path: string, label: number): Promise<Photo | undefined> {
    const file = await readFile(path);
    try {
      await decodePhoto(file, this.#options.size);
    } catch (cause) {
      const name = relative(this.#folder, path);
      if (this.#options.strict) {
        throw new TrainerError(
          'dataset_invalid',
          `Expected a picture at ${name}, but it is damaged or none: remove it, or leave out --strict to skip such files.`,
          cause,
        );
      }
      this.#skipped.push(name);
      return undefined;
    }
    return { path, label, hash: createHash('sha256').update(file).digest('hex') };
  }

  /** Tells what a person should know of the pictures before training on them. */
  report(labels: readonly string[], photos: Readonly<Record<string, readonly Photo[]>>): void {
    this.#progress.stop();
    const { say } = this.#options;
    const skipped = this.#skipped.toSorted();
    if (skipped.length > 0) {
      say(`Skipped ${skipped.length} files that are damaged or no pictures: ${listed(skipped)}.`);
    }
    const counts = labels.map(
      (_, label) => (photos['train'] ?? []).filter((photo) => photo.label === label).length,
    );
    labels.forEach((name, label) => {
      if ((counts[label] as number) < MIN_PICTURES) {
        throw invalid(
          `Expected at least ${MIN_PICTURES} pictures of ${name}, but there are ${counts[label]}: add some, or remove the class.`,
        );
      }
    });
    say(
      `Pictures to train on: ${labels.map((name, label) => `${name} ${counts[label]}`).join(', ')}.`,
    );
    const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
    if (most > IMBALANCE * fewest) {
      say(
        `The classes are out of balance, ${most} pictures to ${fewest}: the rare ones will be guessed too seldom.`,
      );
    }
    const repeated = repeats(Object.values(photos).flat()).map((path) =>
      relative(this.#folder, path),
    );
    if (repeated.length > 0) {
      say(
        `${repeated.length} pictures are there more than once, byte for byte. Where one trains and its copy tests, accuracy looks better than it is: ${listed(repeated)}.`,
      );
    }
  }
}

/** So that each split can have one. */
const MIN_PICTURES = 3;
const IMBALANCE = 5;

/** Paths whose bytes an earlier path has too. */
function repeats(photos: readonly Photo[]): string[] {
  const seen = new Set<string>();
  return photos.filter(({ hash }) => seen.size === seen.add(hash).size).map(({ path }) => path);
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${first} and ${names.length - 10} more` : first;
}

async function findSplits(
  folder: string,
): Promise<{ train: string; validation?: string; test?: string }> {
  const inside = await foldersIn(folder);
  const find = (names: readonly string[]) => {
    const name = inside.find((one) => names.includes(one.toLowerCase()));
    return name && join(folder, name);
  };
  const train = find(SPLITS.train);
  if (!train) return { train: folder };
  const [validation, test] = [find(SPLITS.validation), find(SPLITS.test)];
  return { train, ...(validation && { validation }), ...(test && { test }) };
}

async function classesIn(folder: string): Promise<string[]> {
  return (await foldersIn(folder)).toSorted();
}

async function listFiles(
  folder: string,
  labels: readonly string[],
): Promise<{ path: string; label: number }[]> {
  const unknown = (await classesIn(folder)).find((name) => !labels.includes(name));
  if (unknown !== undefined) {
    throw invalid(
      `Expected the classes ${listed(labels)} in ${folder}, but it also has ${unknown}.`,
    );
  }
  const files: { path: string; label: number }[] = [];
  for (const [label, name] of labels.entries()) {
    const entries = await readdir(join(folder, name), {
      recursive: true,
      withFileTypes: true,
    }).catch(ifMissing);
    const paths = entries
      .filter((entry) => entry.isFile() && !isHidden(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
    files.push(...paths.map((path) => ({ path, label })));
  }
  return files;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TrainerError(
      'dataset_invalid',
      `Expected a folder of photos at ${folder}, but it cannot be read.`,
      cause,
    );
  });
  return entries
    .filter((entry) => entry.isDirectory() && !isHidden(entry.name))
    .map(({ name }) => name);
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini';
}

/** A class may have no pictures in one of the splits. */
function ifMissing(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

function invalid(message: string): TrainerError {
  return new TrainerError('dataset_invalid', message);
}
