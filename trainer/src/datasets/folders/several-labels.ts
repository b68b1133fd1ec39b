import { BY_FOLDERS, type LayoutOptions } from './find-splits.ts';
import type { LabelledFile } from './folder-layout.ts';
import type { Inspection, Photo } from './inspect-folder.ts';

/** All labels of an image, of one label or several. */
export function labelsOf({ label, labels }: LabelledFile): readonly number[] {
  return labels ?? [label];
}

/** The number of images of each class. */
export function classCounts(photos: readonly Photo[], classes: number): number[] {
  const counts = Array<number>(classes).fill(0);
  for (const label of photos.flatMap(labelsOf)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/**
 * Where an image may have several labels, gives each all of them, and the rarest as that by which it is
 * stratified; the number of classes to one without any.
 *
 * @returns the images, and what the user should know, in sentences
 */
export function withAllLabels(
  photos: Inspection['photos'],
  classes: number,
  { labels }: Pick<LayoutOptions, 'labels'>,
): Pick<Inspection, 'photos' | 'notes'> {
  if (labels === undefined) return { photos, notes: [] };
  const merged = labels === BY_FOLDERS ? mapSplits(photos, (split) => mergeCopies(split)) : photos;
  const counts = classCounts(merged.train, classes);
  const rarest = (of: readonly number[]) =>
    of.reduce(
      (best, label) => ((counts[label] as number) < (counts[best] ?? Infinity) ? label : best),
      classes,
    );
  const stratified = mapSplits(merged, (split) =>
    split.map((photo) => ({ ...photo, label: rarest(labelsOf(photo)) })),
  );
  const all = Object.values(stratified).flatMap((split) => split ?? []);
  const count = (isSo: (labels: number) => boolean) =>
    all.filter((photo) => isSo(labelsOf(photo).length)).length;
  const [several, none] = [count((labels) => labels > 1), count((labels) => labels === 0)];
  return {
    photos: stratified,
    notes: [
      `Labels: ${several} of ${all.length} images have several${none > 0 ? `, ${none} have none` : ''}.`,
    ],
  };
}

function mapSplits(
  { train, validation, test }: Inspection['photos'],
  map: (split: readonly Photo[]) => readonly Photo[],
): Inspection['photos'] {
  return {
    train: map(train),
    validation: validation && map(validation),
    test: test && map(test),
  };
}

/** Images of the same bytes as one, with the labels of all. */
function mergeCopies(photos: readonly Photo[]): Photo[] {
  return [...Map.groupBy(photos, ({ hash }) => hash).values()].map((copies) => ({
    ...(copies[0] as Photo),
    labels: [...new Set(copies.flatMap(labelsOf))].sort((a, b) => a - b),
  }));
}
