import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, relative, resolve } from 'node:path';
import { ImageError } from 'shared/images/image-error';
import { TrainerError } from '../../errors.ts';
import type { Progress } from '../../files/progress.ts';
import { printable } from '../../printable.ts';
import { unpackZip } from '../archives/unpack-zip.ts';
import { fileDecodersVersion } from '../decoding/decoders-version.ts';
import { decodingThreads } from '../decoding/decoding-threads.ts';
import { listLayout } from '../lists/list-layout.ts';
import { withAllLabels } from '../lists/several-labels.ts';
import {
  findRepeats,
  groupPhotos,
  type Repeat,
  type Scanned,
  writeRepeats,
} from './find-repeats.ts';
import { BY_FOLDERS, type LayoutOptions } from './find-splits.ts';
import { findLayout, type LabelledFile } from './folder-layout.ts';
import { LIST, type Skipped, whyUnreadable } from './folder-reader.ts';
import { type Finding, ScanCache } from './scan-cache.ts';

const MAX_BYTES = 256 * 2 ** 20;

/** An image file that decodes. */
export interface Photo extends LabelledFile {
  /** Of the upright image, in pixels. */
  readonly width: number;
  readonly height: number;
  /** SHA-256 of its bytes. */
  readonly hash: string;
  /** Photos of one group are copies, or nearly so: they stay together. */
  readonly group: string;
}

export interface InspectOptions extends LayoutOptions {
  /** Side of the network's input: images are decoded no larger than it can use. */
  readonly size: number;
  /** Fail at the first file that is not a readable image, rather than skip it. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  startProgress(title: string, images: number): Progress;
}

/** A file, and what is wrong with it, in the Worker's words. */
export interface Notice {
  readonly path: string;
  readonly reason: string;
}

/** The contents of a folder of photos. Paths are relative to it. */
export interface Inspection {
  readonly folder: string;
  readonly labels: readonly string[];
  /** Whether an image may have several labels. */
  readonly isMultiLabel: boolean;
  /** In the order of labels, then of paths; null where the folder has no such split. */
  readonly photos: {
    readonly train: readonly Photo[];
    readonly validation: readonly Photo[] | null;
    readonly test: readonly Photo[] | null;
  };
  /** Categories of the category file that have no images. */
  readonly missing: readonly string[];
  /** How the folders were read, in sentences. */
  readonly notes: readonly string[];
  /** The entries that are not read. */
  readonly skipped: readonly Skipped[];
  /** Files that neither training nor serving reads. */
  readonly refused: readonly Notice[];
  /** Images that training reads and the Worker does not. */
  readonly unserved: readonly Notice[];
  /** Images that repeat another. */
  readonly repeats: readonly Repeat[];
  /** Pairs of paths of images that are nearly the same. */
  readonly near: readonly Pick<Repeat, 'path' | 'of'>[];
  /** The list of those that are nearly the same, as a file; undefined where there are none. */
  readonly repeatsFile: string | undefined;
  /** Labels whose images are so alike that they are split as if they were different. */
  readonly alike: readonly string[];
}

/**
 * Decodes every image of a folder, of a zip file of such, or of a list `file,label` beside its images, once, so that damaged
 * ones are known before training. The results are cached: the next time, only new and changed files are decoded.
 *
 * @throws TrainerError `dataset_invalid`, when strict also for a file that is not a readable image;
 *   the signal's reason
 */
export async function inspectFolder(root: string, options: InspectOptions): Promise<Inspection> {
  const isList = LIST.test(root) && (await isFile(root));
  const folder = resolve(isList ? dirname(root) : await unpackZip(root, options));
  const list = isList ? root : options.labels;
  const layout =
    list === undefined || list === BY_FOLDERS
      ? await findLayout(folder, options)
      : await listLayout(folder, list, { ...options, oneLabel: isList });
  const { files } = layout;
  const skipped = [...layout.skipped];
  if (options.strict && skipped[0]) refuse(skipped[0].path, PROBLEMS[skipped[0].why]);
  const count = Object.values(files).reduce((sum, list) => sum + (list?.length ?? 0), 0);
  const progress = options.startProgress(`Reading ${printable(basename(folder))}`, count);
  const cache = await ScanCache.open(folder, await fileDecodersVersion());
  const notices = { refused: [] as Notice[], unserved: [] as Notice[] };
  const open = (list: readonly LabelledFile[]) =>
    keepPhotos(list, folder, { ...options, ...notices, progress, cache, skipped });
  try {
    const found = {
      train: await open(files.train ?? []),
      validation: files.validation && (await open(files.validation)),
      test: files.test && (await open(files.test)),
    };
    await cache.close();
    const labelled = withAllLabels(found, layout.labels.length, options);
    const grouped = groupPhotos(folder, labelled.photos, layout.labels);
    const repeats = findRepeats(folder, grouped.photos, grouped.near);
    const repeatsFile = await writeRepeats(cache.pathOf('near-duplicates.csv'), repeats);
    for (const list of Object.values(notices)) list.sort((a, b) => (a.path < b.path ? -1 : 1));
    const isMultiLabel = options.labels !== undefined;
    const notes = [...layout.notes, ...labelled.notes];
    const all = { ...grouped, isMultiLabel, notes, repeats, repeatsFile };
    return { ...layout, folder, skipped, ...notices, ...all };
  } finally {
    progress.stop();
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

interface Scan extends InspectOptions {
  readonly progress: Progress;
  readonly cache: ScanCache;
  readonly refused: Notice[];
  readonly unserved: Notice[];
  readonly skipped: Skipped[];
}

/** @returns in the order of `files` */
async function keepPhotos(
  files: readonly LabelledFile[],
  folder: string,
  scan: Scan,
): Promise<Scanned[]> {
  const photos: (Scanned | undefined)[] = [];
  let next = 0;
  const work = async () => {
    while (next < files.length) {
      scan.signal.throwIfAborted();
      const index = next;
      next += 1;
      photos[index] = await openPhoto(files[index] as LabelledFile, folder, scan);
      scan.progress.advance(1);
    }
  };
  // Two files a thread, so that no thread waits for the next one.
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, work));
  return photos.filter((photo) => photo !== undefined);
}

async function openPhoto(
  file: LabelledFile,
  folder: string,
  scan: Scan,
): Promise<Scanned | undefined> {
  const path = relative(folder, file.path);
  const finding = await find(file.path, path, scan);
  if (finding?.sha256) {
    const { sha256, width, height, thumbnail, reason } = finding;
    if (reason !== null) scan.unserved.push({ path, reason });
    return { ...file, hash: sha256, width, height, thumbnail };
  }
  if (!finding) {
    const why = whyUnreadable(path);
    if (scan.strict) refuse(path, PROBLEMS[why]);
    scan.skipped.push({ path, why });
    return undefined;
  }
  const reason = finding.reason ?? '';
  if (scan.strict) refuse(path, reason);
  scan.refused.push({ path, reason });
  return undefined;
}

/** @returns undefined for a file that cannot be read at all, which is tried again the next time */
async function find(
  file: string,
  path: string,
  { cache, size }: Scan,
): Promise<Finding | undefined> {
  try {
    const stats = await stat(file);
    const known = cache.find(path, stats);
    if (known) return known;
    return await cache.add({ path, ...(await read(file, size, stats.size)) }, stats);
  } catch {
    return undefined;
  }
}

/** @throws Error where the file cannot be read at all */
async function read(
  file: string,
  size: number,
  bytes: number,
): Promise<Omit<Finding, 'path' | 'stamp'>> {
  const refused = { sha256: null, width: 0, height: 0, thumbnail: '' };
  // No image is that large, though a film may be, and each core holds one file in memory.
  if (bytes > MAX_BYTES) {
    return { ...refused, reason: `The file has more than ${MAX_BYTES / 2 ** 20} MiB.` };
  }
  try {
    const { unserved, ...facts } = await decodingThreads.inspect(file, size);
    return { ...facts, reason: unserved };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { ...refused, reason: error.message };
  }
}

/** A sentence for each reason of `Skipped`. */
const PROBLEMS: Readonly<Record<Skipped['why'], string>> = {
  'broken link': 'it is a broken link.',
  outside: 'it is a link out of the folder.',
  'other file system': 'it is a link to another file system.',
  cycle: 'it is a link to a folder that contains it or has been read already.',
  unreadable: 'it cannot be read.',
  'bad name': 'its name is not UTF-8.',
  'no file': 'it is neither a file nor a folder.',
};

/** @param reason a sentence */
function refuse(path: string, reason: string): never {
  throw new TrainerError(
    'dataset_invalid',
    `Expected an image at ${path}, but: ${reason} Remove the file, or leave out --strict to skip such files.`,
  );
}
