import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { list } from 'tar';
import { TrainerError } from '../errors.ts';
import { cifarDataset, IMAGE_BYTES, type Samples } from './cifar-images.ts';
import type { Dataset } from './dataset.ts';

const kinds = {
  cifar10: {
    title: 'CIFAR-10',
    train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
    test: 'test_batch.bin',
    names: 'batches.meta.txt',
    /** Bytes before the pixels of each image, of which the last is the label. */
    labelBytes: 1,
  },
  cifar100: {
    title: 'CIFAR-100',
    train: ['train.bin'],
    test: 'test.bin',
    names: 'fine_label_names.txt',
    // The superclass comes first.
    labelBytes: 2,
  },
} as const;

type Kind = keyof typeof kinds;
/** Files by name. */
type Files = ReadonlyMap<string, Buffer>;

/** CIFAR-100's `train.bin` is the largest, 153.7 MB. */
const MAX_FILE_BYTES = 160_000_000;

const TAR = /\.(?:tar|tar\.gz|tgz)$/i;

const WANTED = Object.values(kinds).flatMap(({ train, test, names }) => [...train, test, names]);

/**
 * Opens CIFAR-10 or CIFAR-100 in the official binary form, recognized by its file names: the
 * `.tar.gz`, or the unpacked folder. Takes 180 MB of memory.
 *
 * @returns undefined where the path is no such archive, and no folder with these files
 * @throws TrainerError `dataset_invalid` if a file is missing or damaged
 * @see https://www.cs.toronto.edu/~kriz/cifar.html
 */
export async function openCifarBinary(path: string): Promise<Dataset | undefined> {
  const stats = await stat(path).catch(() => undefined);
  const isFolder = stats?.isDirectory() === true;
  // Anything else is refused where folders are opened.
  if (!(isFolder || (stats?.isFile() && TAR.test(path)))) return undefined;
  const files = isFolder ? await readFolder(path) : await readArchive(path);
  const id = (Object.keys(kinds) as Kind[]).find((kind) => files.has(kinds[kind].test));
  if (!id) {
    if (isFolder) return undefined;
    throw invalid(
      `Expected test_batch.bin or test.bin of CIFAR in ${path}, but there is neither: if it holds photos, unpack it and pass the folder.`,
    );
  }
  const { title, names, test, train, labelBytes } = kinds[id];
  const fileOf = (name: string): Buffer => {
    const file = files.get(name);
    if (!file)
      throw invalid(`Expected ${name} in ${path}, but it is missing: get the data set again.`);
    return file;
  };
  const labels = fileOf(names).toString('utf8').split(/\r?\n/).filter(Boolean);
  const read = (name: string) => {
    const samples = parseRecords(fileOf(name), labelBytes, labels.length);
    if (samples) return samples;
    throw invalid(
      `Expected ${name} in ${path} to hold images of ${labelBytes + IMAGE_BYTES} bytes with labels below ${labels.length}, but it does not.`,
    );
  };
  const samples = { train: concatenate(train.map(read)), test: read(test) };
  return cifarDataset({ id, title, labels }, samples);
}

async function readFolder(folder: string): Promise<Files> {
  const files = new Map<string, Buffer>();
  for (const inside of [
    folder,
    join(folder, 'cifar-10-batches-bin'),
    join(folder, 'cifar-100-binary'),
  ]) {
    for (const name of await readdir(inside).catch(() => [])) {
      if (!WANTED.includes(name)) continue;
      const path = join(inside, name);
      const stats = await stat(path).catch(() => undefined);
      // A pipe or a device has no end.
      if (stats?.isFile() && stats.size <= MAX_FILE_BYTES) files.set(name, await readFile(path));
    }
    if (files.size > 0) break;
  }
  return files;
}

async function readArchive(path: string): Promise<Files> {
  const entries: Promise<[string, Buffer]>[] = [];
  try {
    await list({
      file: path,
      strict: true,
      // A small archive could unpack to anything.
      filter: (name, entry) => WANTED.includes(basename(name)) && entry.size <= MAX_FILE_BYTES,
      onReadEntry(entry) {
        entries.push(entry.concat().then((content) => [basename(entry.path), content]));
      },
    });
    return new Map(await Promise.all(entries));
  } catch (cause) {
    throw invalid(
      `Expected ${path} to be a folder, or an archive of CIFAR in its binary form, but it cannot be read.`,
      cause,
    );
  }
}

/** Converts planes of red, green and blue to interleaved pixels. */
function parseRecords(file: Buffer, labelBytes: number, classes: number): Samples | undefined {
  const recordBytes = labelBytes + IMAGE_BYTES;
  const count = file.length / recordBytes;
  if (!Number.isInteger(count) || count === 0) return undefined;
  const pixels = new Uint8Array(count * IMAGE_BYTES);
  const labels = new Uint8Array(count);
  const plane = IMAGE_BYTES / 3;
  for (let record = 0; record < count; record++) {
    const begin = record * recordBytes + labelBytes;
    labels[record] = file[begin - 1] as number;
    let to = record * IMAGE_BYTES;
    for (let at = begin; at < begin + plane; at++) {
      pixels[to++] = file[at] as number;
      pixels[to++] = file[at + plane] as number;
      pixels[to++] = file[at + 2 * plane] as number;
    }
  }
  return labels.every((label) => label < classes) ? { pixels, classes: labels } : undefined;
}

function concatenate(sets: readonly Samples[]): Samples {
  return {
    pixels: Buffer.concat(sets.map(({ pixels }) => pixels)),
    classes: Buffer.concat(sets.map(({ classes }) => classes)),
  };
}

function invalid(message: string, cause?: unknown): TrainerError {
  return new TrainerError('dataset_invalid', message, cause);
}
