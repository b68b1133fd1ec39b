import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, relative, resolve } from 'node:path';
import { decodersVersion } from 'shared/images/decoders-version';
import { ImageError } from 'shared/images/image-error';
import { decodingThreads } from '../decoding/decoding-threads.ts';
import { TrainerError } from '../errors.ts';
import type { Progress } from '../report/progress.ts';
import { findLayout, type LabelledFile, type SplitName } from './folder-layout.ts';
import { type Finding, ScanCache } from './scan-cache.ts';

/** A picture file that decodes. */
export interface Photo extends LabelledFile {
  /** As it stands upright, in pixels. */
  readonly width: number;
  readonly height: number;
  /** SHA-256 of its bytes. */
  readonly hash: string;
}

export interface InspectOptions {
  /** Side of the network's input: pictures are decoded no larger than it can use. */
  readonly size: number;
  /** Fail at the first file that is no picture, rather than skip it. */
  readonly strict: boolean;
  readonly signal: AbortSignal;
  startProgress(title: string, pictures: number): Progress;
}

/** A file, and what is wrong with it in the Worker's sentence. */
export interface Notice {
  readonly path: string;
  readonly reason: string;
}

/** What is in a folder of photos. Paths are relative to it. */
export interface Inspection {
  readonly folder: string;
  readonly labels: readonly string[];
  /** In the order of labels, then of paths; null where the folder has no such split. */
  readonly photos: {
    readonly train: readonly Photo[];
    readonly validation: readonly Photo[] | null;
    readonly test: readonly Photo[] | null;
  };
  /** Categories of the category file that have no pictures. */
  readonly missing: readonly string[];
  /** Files that neither training nor serving reads. */
  readonly refused: readonly Notice[];
  /** Pictures that training reads and the Worker does not. */
  readonly unserved: readonly Notice[];
  /** Pictures that are there, byte for byte, once more under an earlier path. */
  readonly repeats: readonly {
    readonly path: string;
    readonly of: string;
    readonly kind: Repeat;
  }[];
}

/** In one class and split, in two classes, or in what trains and what tests. */
type Repeat = 'same class' | 'other class' | 'other split';

/**
 * Decodes every picture of a folder once, so that a damaged one is known before the training; what
 * was found is remembered, and only new and changed files are decoded the next time.
 *
 * @throws TrainerError `dataset_invalid`, also at a file that is no picture when strict; the
 *   signal's reason
 */
export async function inspectFolder(root: string, options: InspectOptions): Promise<Inspection> {
  const folder = resolve(root);
  const { labels, files, missing } = await findLayout(folder);
  const count = Object.values(files).reduce((sum, list) => sum + (list?.length ?? 0), 0);
  const progress = options.startProgress(`Reading ${basename(folder)}`, count);
  const cache = await ScanCache.open(folder, await decodersVersion());
  const notices = { refused: [] as Notice[], unserved: [] as Notice[] };
  const open = (list: readonly LabelledFile[]) =>
    keepPhotos(list, folder, { ...options, ...notices, progress, cache });
  try {
    const photos = {
      train: await open(files.train ?? []),
      validation: files.validation && (await open(files.validation)),
      test: files.test && (await open(files.test)),
    };
    await cache.close();
    for (const list of Object.values(notices)) list.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { folder, labels, photos, missing, ...notices, repeats: findRepeats(folder, photos) };
  } finally {
    progress.stop();
  }
}

interface Scan extends InspectOptions {
  readonly progress: Progress;
  readonly cache: ScanCache;
  readonly refused: Notice[];
  readonly unserved: Notice[];
}

/** @returns in the order of `files` */
async function keepPhotos(
  files: readonly LabelledFile[],
  folder: string,
  scan: Scan,
): Promise<Photo[]> {
  const photos: (Photo | undefined)[] = [];
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
  // Two a thread, so that none waits for this one to hand it the next.
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, work));
  return photos.filter((photo) => photo !== undefined);
}

async function openPhoto(
  file: LabelledFile,
  folder: string,
  { cache, size, strict, refused, unserved }: Scan,
): Promise<Photo | undefined> {
  const path = relative(folder, file.path);
  const stats = await stat(file.path);
  const { sha256, width, height, reason } =
    cache.find(path, stats) ??
    (await read(file.path, path, size, (found) => cache.add(found, stats)));
  if (sha256 !== null) {
    if (reason !== null) unserved.push({ path, reason });
    return { ...file, hash: sha256, width, height };
  }
  if (strict) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected a picture at ${path}, but: ${reason} Remove it, or leave out --strict to skip such files.`,
    );
  }
  refused.push({ path, reason: reason ?? '' });
  return undefined;
}

type Found = Omit<Finding, 'stamp'>;

/** @param keep remembers what is so as long as the file is the same */
async function read(
  file: string,
  path: string,
  size: number,
  keep: (found: Found) => Promise<Found>,
): Promise<Found> {
  try {
    const { sha256, width, height, unserved } = await decodingThreads.inspect(file, size);
    return await keep({ path, sha256, width, height, reason: unserved });
  } catch (error) {
    const { message } = error as Error;
    const found = { path, sha256: null, width: 0, height: 0, reason: message };
    return error instanceof ImageError ? keep(found) : found;
  }
}

function findRepeats(folder: string, photos: Inspection['photos']): Inspection['repeats'] {
  const first = new Map<string, Photo & { readonly split: SplitName }>();
  const repeats: { path: string; of: string; kind: Repeat }[] = [];
  for (const split of ['train', 'validation', 'test'] as const) {
    for (const photo of photos[split] ?? []) {
      const earlier = first.get(photo.hash);
      if (!earlier) {
        first.set(photo.hash, { ...photo, split });
        continue;
      }
      const sameClass = earlier.label === photo.label ? 'same class' : 'other class';
      const kind = earlier.split === split ? sameClass : 'other split';
      repeats.push({
        path: relative(folder, photo.path),
        of: relative(folder, earlier.path),
        kind,
      });
    }
  }
  return repeats;
}
