import { openCifarBinary } from './cifar-binary.ts';
import type { ImageSet } from './dataset.ts';
import { type Inspection, type InspectOptions, inspectFolder } from './folders/inspect-folder.ts';
import { describeProblems } from './folders/inspection-report.ts';
import type { SplitName } from './folders/split-names.ts';
import { classCounts } from './lists/several-labels.ts';
import { knownDatasets } from './open-dataset.ts';

/** The data sets that the trainer knows, a line each. */
export function listDatasets(): string {
  return [
    ...Object.entries(knownDatasets).map(([name, { about }]) => `${name.padEnd(10)}${about}`),
    `${'<path>'.padEnd(10)}CIFAR's binary files, or a folder of photos in class folders`,
  ].join('\n');
}

/** What is in a data set. */
export interface DatasetDescription {
  readonly labels: readonly string[];
  /** Images by label; null of a split that is drawn from `train`. */
  readonly images: Readonly<Record<'train' | 'validation' | 'test', readonly number[] | null>>;
  /** Sentences on what to know of it before a training, such as which files are damaged. */
  readonly notes: readonly string[];
}

/**
 * What is in a data set, without training on it: images by class and split; of a folder also which
 * files are damaged, which images are there twice, and whether the classes are in balance.
 *
 * @param data name or path
 * @throws TrainerError as `openDataset` does, though not where a class has too few images
 */
export async function describeDataset(
  data: string,
  options: Omit<InspectOptions, 'purpose'> & { say(line: string): void },
): Promise<DatasetDescription> {
  const known = Object.hasOwn(knownDatasets, data) ? knownDatasets[data] : undefined;
  const dataset = known ? await known.open(options) : await openCifarBinary(data);
  if (dataset) {
    const { labels, train, validation, test } = dataset;
    const count = (set: ImageSet | null) => set && countOf(labels, set);
    const images = { train: count(train), validation: count(validation), test: count(test) };
    return { labels, images, notes: [] };
  }
  const inspection = await inspectFolder(data, { ...options, purpose: 'training' });
  const { labels, photos } = inspection;
  const count = (split: Inspection['photos'][SplitName]) =>
    split && classCounts(split, labels.length);
  return {
    labels,
    images: {
      train: count(photos.train),
      validation: count(photos.validation),
      test: count(photos.test),
    },
    notes: [...sizesOf(inspection), ...describeProblems(inspection, 'training')],
  };
}

function countOf(labels: readonly string[], set: ImageSet): number[] {
  const counts = Array<number>(labels.length).fill(0);
  const images = Array.from({ length: set.length }, (_, index) => set.label(index));
  for (const label of images) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** A table of images by label and split, and the notes below it. */
export function formatDataset({ labels, images, notes }: DatasetDescription): string {
  const splits = [images.train, images.validation, images.test];
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const rows = [
    ['', 'train', 'validation', 'test'],
    ...labels.map((name, label) => [
      name,
      ...splits.map((split) => (split ? `${split[label]}` : '')),
    ]),
    ['all', ...splits.map((split) => (split ? `${sum(split)}` : 'drawn'))],
  ];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...notes].join('\n');
}

function sizesOf({ photos }: Inspection): string[] {
  const all = Object.values(photos).flatMap((split) => split ?? []);
  const sorted = all.toSorted((a, b) => a.width * a.height - b.width * b.height);
  const [first, middle, last] = [0, Math.floor((sorted.length - 1) / 2), sorted.length - 1].map(
    (place) => sorted[place],
  );
  if (!(first && middle && last)) return [];
  const format = ({ width, height }: { width: number; height: number }) => `${width}×${height}`;
  return [`Pixels: ${format(first)} to ${format(last)}, half of them ${format(middle)} at most.`];
}
