import type { Scanned, Splits } from '../folders/find-repeats.ts';
import { BY_FOLDERS, type LayoutOptions } from '../folders/find-splits.ts';
import type { LabelledFile } from '../folders/folder-layout.ts';

/** All labels of an image, of one label or several. */
export function labelsOf({
  label,
  labels,
}: Pick<LabelledFile, 'label' | 'labels'>): readonly number[] {
  return labels ?? [label];
}

/** The number of images of each class. */
export function classCounts(photos: readonly LabelledFile[], classes: number): number[] {
  const counts = Array<number>(classes).fill(0);
  for (const label of photos.flatMap(labelsOf)) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/**
 * The rarest of an image's labels; the number of classes where it has none.
 *
 * @param counts of images of each class
 */
export function rarestOf(labels: readonly number[], counts: readonly number[]): number {
  return labels.reduce(
    (best, label) => ((counts[label] as number) < (counts[best] ?? Infinity) ? label : best),
    counts.length,
  );
}

/**
 * Where an image may have several labels, gives each all of them, and the rarest as that by which it is
 * stratified; the number of classes to one without any.
 *
 * @returns the images, and what the user should know, in sentences
 */
export function withAllLabels(
  photos: Splits<Scanned>,
  classes: number,
  { labels }: Pick<LayoutOptions, 'labels'>,
): { readonly photos: Splits<Scanned>; readonly notes: readonly string[] } {
  if (labels === undefined) return { photos, notes: [] };
  const merged = labels === BY_FOLDERS ? mapSplits(photos, (split) => mergeCopies(split)) : photos;
  const counts = classCounts(merged.train, classes);
  const stratified = mapSplits(merged, (split) =>
    split.map((photo) => ({ ...photo, label: rarestOf(labelsOf(photo), counts) })),
  );
  const all = Object.values(stratified).flatMap((split) => split ?? []);
  const count = (isSo: (labels: number) => boolean) =>
    all.filter((photo) => isSo(labelsOf(photo).length)).length;
  const [several, none] = [count((labels) => labels > 1), count((labels) => labels === 0)];
  return {
    photos: stratified,
    notes: [
      `Labels: ${several} of ${all.length} images have several${none > 0 ? `, ${none} have none` : ''}.${several === 0 && labels !== BY_FOLDERS ? ' In the file, ; separates them.' : ''}`,
    ],
  };
}

function mapSplits(
  { train, validation, test }: Splits<Scanned>,
  map: (split: readonly Scanned[]) => readonly Scanned[],
): Splits<Scanned> {
  return {
    train: map(train),
    validation: validation && map(validation),
    test: test && map(test),
  };
}

/** Images of the same bytes as one, with the labels of all. */
function mergeCopies(photos: readonly Scanned[]): Scanned[] {
  return [...Map.groupBy(photos, ({ hash }) => hash).values()].map((copies) => ({
    ...(copies[0] as Scanned),
    labels: [...new Set(copies.flatMap(labelsOf))].sort((a, b) => a - b),
  }));
}
