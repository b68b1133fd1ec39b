import { relative } from 'node:path';
import { writeFileAtomically } from '../../files/write-atomically.ts';
import { groupCopies } from '../copies/group-copies.ts';
import { labelsOf } from '../lists/several-labels.ts';
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

/** Some of the images of each split. */
export type Splits<T> = Readonly<Record<SplitName, readonly T[] | null>> & {
  readonly train: readonly T[];
};

/** Photos in groups, and what is nearly the same. */
interface Grouped extends Pick<Inspection, 'photos' | 'near' | 'alike'> {}

/**
 * Puts photos that are copies, or nearly so, into groups. Of a class with fewer groups than a split needs, such as one
 * that was filmed, only copies byte for byte are one group.
 */
export function groupPhotos(
  folder: string,
  { train, validation, test }: Splits<Scanned>,
  labels: readonly string[],
): Grouped {
  const all = [train, validation ?? [], test ?? []].flat();
  const { firsts, near } = groupCopies(all);
  const groupOf = (index: number) => all[firsts[index] as number]?.hash as string;
  const different = labels.map(() => ({ hashes: new Set<string>(), groups: new Set<string>() }));
  for (const [index, { label, hash }] of train.entries()) {
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
  const pathOf = (index: number) => relative(folder, all[index]?.path as string);
  const fromTest = train.length + (validation?.length ?? 0);
  return {
    photos: {
      train: photos.slice(0, train.length),
      validation: validation && photos.slice(train.length, fromTest),
      test: test && photos.slice(fromTest),
    },
    near: near.map(({ index, of }) => ({ path: pathOf(index), of: pathOf(of) })),
    alike: labels.filter((_, label) => isAlike[label]),
  };
}

/**
 * Images that repeat another: an earlier one byte for byte, or nearly.
 *
 * @param near pairs of paths; those of photos that there are not are passed over
 */
export function findRepeats(
  folder: string,
  photos: Inspection['photos'],
  near: Inspection['near'],
): Repeat[] {
  const byPath = new Map<string, Photo & { readonly split: SplitName }>();
  const byHash = new Map<string, string>();
  const pairs: Pick<Repeat, 'path' | 'of' | 'isExact'>[] = [];
  for (const split of ['train', 'validation', 'test'] as const) {
    for (const photo of photos[split] ?? []) {
      const path = relative(folder, photo.path);
      byPath.set(path, { ...photo, split });
      const earlier = byHash.get(photo.hash);
      if (earlier === undefined) byHash.set(photo.hash, path);
      else pairs.push({ path, of: earlier, isExact: true });
    }
  }
  pairs.push(...near.map((pair) => ({ ...pair, isExact: false })));
  return pairs.flatMap((pair) => {
    const [photo, other] = [byPath.get(pair.path), byPath.get(pair.of)];
    if (!photo || !other) return [];
    const isSame = `${labelsOf(photo)}` === `${labelsOf(other)}`;
    const sameClass = isSame ? 'same class' : 'other class';
    return [{ ...pair, kind: photo.split === other.split ? sameClass : 'other split' }];
  });
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
