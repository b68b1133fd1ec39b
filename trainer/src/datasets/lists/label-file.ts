import { TrainerError } from '../../errors.ts';
import { labelOf } from '../folders/folder-reader.ts';
import { hasImageExtension } from '../folders/is-clutter.ts';
import { rolesOf, type SplitName } from '../folders/split-names.ts';
import { type CsvRow, readCsv } from './read-csv.ts';

/** The labels of images that may have several. */
export interface LabelFile {
  readonly labels: readonly string[];
  readonly images: readonly LabelledRow[];
  /** Whether the file says which images are for what. */
  readonly hasSplits: boolean;
}

interface LabelledRow {
  readonly line: number;
  readonly file: string;
  /** Indices into `LabelFile.labels`, ascending. */
  readonly labels: readonly number[];
  readonly split: SplitName;
}

const FILE =
  /^(?:id|name|path|files?|file[ _]?(?:name|path)|(?:image|img|photo)s?[ _]?(?:id|name|path|file)?)$/i;
const LABELS = /^(?:labels?|classe?s?|tags?)$/i;
const SPLIT = /^(?:split|subset|set)$/i;
const PRESENT = /^(?:1(?:\.0)?|true)$/i;
const ABSENT = /^(?:0(?:\.0)?|false)?$/i;
/** Number of rows that tell which column is which. */
const SAMPLED = 20;
/** Between the labels of an image. */
export const SEPARATOR = ';';

/**
 * Reads a file `file,labels`, such as `beach.jpg,sea;sand`, whose first row may name the columns, of any names and in
 * any order; or one with a column for each label, which holds 1 or true where the image has it and 0 or false where not. A column `split`
 * may say what an image is for. An image that stands in several rows has the labels of all.
 *
 * @param keyOf what the names of an image have in common
 * @throws TrainerError `dataset_invalid`
 */
export async function readLabelFile(
  path: string,
  keyOf = (file: string): string => file,
): Promise<LabelFile> {
  const { names, fileAt, labelsAt, splitAt, columns, body } = findColumns(
    (await readCsv(path)).rows,
  );
  const invalid = (what: string, but: string) =>
    new TrainerError('dataset_invalid', `Expected ${what} in ${path}, but ${but}.`);
  if (body.length === 0)
    throw invalid('a row for each image, such as beach.jpg,sea;sand', 'there is none');
  const wrong = body.find(({ cells }) => cells.length !== names.length);
  if (wrong) {
    const found = wrong.cells.length;
    throw invalid(`${names.length} cells in line ${wrong.line}`, `there are ${found}`);
  }
  const namesIn = ({ line, cells }: CsvRow): string[] => {
    if (labelsAt >= 0) return namesOf(cells[labelsAt] ?? '');
    return columns.flatMap((at) => {
      const [name, cell] = [names[at] ?? '', cells[at] ?? ''];
      if (PRESENT.test(cell)) return [labelOf(name)];
      if (ABSENT.test(cell)) return [];
      throw invalid(`0 or 1 for ${name} in line ${line}`, `it is ${cell}`);
    });
  };
  const splitIn = ({ line, cells }: CsvRow): SplitName => {
    if (splitAt < 0) return 'train';
    const name = cells[splitAt] ?? '';
    const role = rolesOf([name]).get(name);
    if (role && role !== 'unlabelled') return role;
    throw invalid(
      `train, validation or test as the split in line ${line}`,
      `it is ${name || 'empty'}`,
    );
  };
  const found = body.map((row) => ({ row, names: namesIn(row) }));
  const labels =
    labelsAt < 0
      ? [...new Set(columns.map((at) => labelOf(names[at] ?? '')))]
      : [...new Set(found.flatMap(({ names }) => names))].sort();
  const indexOf = new Map(labels.map((name, index) => [name, index]));
  const images = new Map<string, LabelledRow>();
  for (const { row, names } of found) {
    const file = row.cells[fileAt] as string;
    const key = keyOf(file);
    const earlier = images.get(key);
    const all = new Set([
      ...(earlier?.labels ?? []),
      ...names.map((name) => indexOf.get(name) as number),
    ]);
    const split = splitIn(row);
    images.set(key, { line: row.line, file, labels: [...all].sort((a, b) => a - b), split });
  }
  return { labels, images: [...images.values()], hasSplits: splitAt >= 0 };
}

/**
 * What the columns of a label file mean, −1 for those that it has not, and its rows below their names. The column of
 * files is told by what it holds, or else by its name; a single other column holds the labels, whatever its name.
 */
export function findColumns(rows: readonly CsvRow[]) {
  const first = rows[0]?.cells ?? [];
  const sample = rows.slice(0, SAMPLED);
  const likeness = first.map((name, at) => {
    const holdsFiles = sample.some(({ cells }) => hasImageExtension(cells[at] ?? ''));
    return 2 * Number(holdsFiles) + Number(FILE.test(name));
  });
  const fileAt = Math.max(likeness.indexOf(Math.max(...likeness)), 0);
  const hasHeader =
    !hasImageExtension(first[fileAt] ?? '') &&
    (likeness[fileAt] !== 0 || first.some((name) => LABELS.test(name)));
  const names = hasHeader ? first : fileAt === 1 ? ['labels', 'file'] : ['file', 'labels'];
  const splitAt = names.findIndex((name) => SPLIT.test(name));
  // A column without a name is the index that pandas writes.
  const columns = [...names.keys()].filter(
    (at) => at !== fileAt && at !== splitAt && names[at] !== '',
  );
  const labelsAt =
    columns.find((at) => LABELS.test(names[at] ?? '')) ??
    (columns.length === 1 ? columns[0] : undefined) ??
    -1;
  return { names, body: hasHeader ? rows.slice(1) : rows, fileAt, labelsAt, splitAt, columns };
}

function namesOf(cell: string): string[] {
  return cell
    .split(SEPARATOR)
    .map((name) => labelOf(name.trim()))
    .filter(Boolean);
}
