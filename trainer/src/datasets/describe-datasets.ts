import { openCifarBinary } from './cifar-binary.ts';
import { type Inspection, type InspectOptions, inspectFolder } from './folders/inspect-folder.ts';
import { describeProblems } from './folders/inspection-report.ts';
import { knownDatasets } from './open-dataset.ts';

/** The data sets that the trainer knows, a line each. */
export function listDatasets(): string {
  return [
    ...Object.entries(knownDatasets).map(([name, { about }]) => `${name.padEnd(10)}${about}`),
    `${'<path>'.padEnd(10)}CIFAR's binary files, or a folder of photos in class folders`,
  ].join('\n');
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
): Promise<string> {
  const known = Object.hasOwn(knownDatasets, data) ? knownDatasets[data] : undefined;
  const dataset = known ? await known.open(options) : await openCifarBinary(data);
  if (dataset) {
    const { train, validation, test } = dataset;
    return tableOf(
      dataset.labels,
      [train, validation, test].map(
        (set) => set && Array.from({ length: set.length }, (_, index) => set.label(index)),
      ),
    );
  }
  const inspection = await inspectFolder(data, { ...options, purpose: 'training' });
  const { train, validation, test } = inspection.photos;
  return [
    tableOf(
      inspection.labels,
      [train, validation, test].map((photos) => photos?.map(({ label }) => label) ?? null),
    ),
    ...sizesOf(inspection),
    ...describeProblems(inspection, 'training'),
  ].join('\n');
}

/** @param splits the label of each image to train, validate and test on; null where there are none */
function tableOf(labels: readonly string[], splits: readonly (readonly number[] | null)[]): string {
  const counts = splits.map((split) => {
    const of = Array<number>(labels.length).fill(0);
    for (const label of split ?? []) of[label] = (of[label] ?? 0) + 1;
    return of;
  });
  const rows = [
    ['', 'train', 'validation', 'test'],
    ...labels.map((name, label) => [
      name,
      ...splits.map((split, at) => (split ? `${counts[at]?.[label]}` : '')),
    ]),
    ['all', ...splits.map((split) => (split ? `${split.length}` : 'drawn'))],
  ];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
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
