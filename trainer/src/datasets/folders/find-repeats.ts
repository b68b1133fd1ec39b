import { relative } from 'node:path';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { groupCopies } from '../copies/group-copies.ts';
import type { Inspection, Photo } from './inspect-folder.ts';
import type { SplitName } from './split-names.ts';

/** A photo before it is compared with the others. */
export interface Scanned extends Omit<Photo, 'group'> {
  /** See `thumbnailOf`. */
  readonly thumbnail: string;
}

/** An image that repeats another. Paths are relative to the folder. */
export interface Repeat {
  readonly path: string;
  readonly of: string;
  /** Byte for byte, or nearly the same. */
  readonly isExact: boolean;
  /** In one class and split, in two classes, or in two splits. */
  readonly kind: 'same class' | 'other class' | 'other split';
}

/** Different images that a class needs, so that each split can have one. */
export const MIN_IMAGES = 3;

type Splits<T> = Readonly<Record<SplitName, readonly T[] | null>> & {
  readonly train: readonly T[];
};

/**
 * Finds the photos that repeat others, and puts them into groups. Of a class with fewer groups than a split needs,
 * such as one that was filmed, only copies byte for byte are one group.
 */
export function findRepeats(
  folder: string,
  { train, validation, test }: Splits<Scanned>,
  labels: readonly string[],
): Pick<Inspection, 'photos' | 'repeats' | 'alike'> {
  const splits = { train, validation: validation ?? [], test: test ?? [] };
  const all = (Object.keys(splits) as SplitName[]).flatMap((split) =>
    splits[split].map((photo) => ({ ...photo, split })),
  );
  const { firsts, near } = groupCopies(all);
  const exact = new Map<string, number>();
  const repeats: Repeat[] = [];
  const add = (index: number, of: number, isExact: boolean) => {
    const [photo, other] = [all[index], all[of]] as [(typeof all)[0], (typeof all)[0]];
    const sameClass = photo.label === other.label ? 'same class' : 'other class';
    repeats.push({
      path: relative(folder, photo.path),
      of: relative(folder, other.path),
      isExact,
      kind: photo.split === other.split ? sameClass : 'other split',
    });
  };
  for (const [index, { hash }] of all.entries()) {
    const earlier = exact.get(hash);
    if (earlier === undefined) exact.set(hash, index);
    else add(index, earlier, true);
  }
  for (const { index, of } of near) add(index, of, false);

  const groupOf = (index: number) => all[firsts[index] as number]?.hash as string;
  const different = labels.map(() => ({ hashes: new Set<string>(), groups: new Set<string>() }));
  for (const [index, { label, hash, split }] of all.entries()) {
    if (split !== 'train') continue;
    different[label]?.hashes.add(hash);
    different[label]?.groups.add(groupOf(index));
  }
  const isAlike = different.map(
    ({ hashes, groups }) => groups.size < MIN_IMAGES && hashes.size >= MIN_IMAGES,
  );
  const photos = all.map(({ thumbnail: _, ...photo }, index) => ({
    ...photo,
    group: isAlike[photo.label] ? photo.hash : groupOf(index),
  }));
  const of = (name: SplitName): Photo[] =>
    photos.filter(({ split }) => split === name).map(({ split: _, ...photo }) => photo);
  return {
    photos: {
      train: of('train'),
      validation: validation && of('validation'),
      test: test && of('test'),
    },
    repeats,
    alike: labels.filter((_, label) => isAlike[label]),
  };
}

/**
 * Writes the pairs that are nearly the same as a table for other programs.
 *
 * @returns its path; undefined where there are none, or no room for it
 */
export async function writeRepeats(
  path: string,
  repeats: readonly Repeat[],
): Promise<string | undefined> {
  const near = repeats.filter(({ isExact }) => !isExact);
  if (near.length === 0) return undefined;
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = near.map(({ path, of, kind }) => [path, of, kind].map(cell).join(','));
  const text = `${['image,same as,where', ...lines].join('\n')}\n`;
  return writeFileAtomically(path, text).then(
    () => path,
    () => undefined,
  );
}
