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
  /** What `find` returns for it. */
  readonly imagePath: string | undefined;
  /** Indices into `LabelFile.labels`, ascending. */
  readonly labels: readonly number[];
  readonly split: SplitName;
}

const FILE =
  /^(?:(?:file|image|img|photo|picture)s?|(?:file|image|img|photo|picture)[ _-]?(?:id|name|path|file)|(?:id|name|path)(?:[ _-]code)?)$/i;
const LABELS =
  /^(?:labels?|class(?:es|[ _-]?(?:id|name))?|categor(?:y|ies)|targets?|tags?|species|breed|diagnosis)$/i;
const SPLIT = /^(?:split|subset|set)$/i;
const PRESENT = /^(?:1(?:\.0)?|true)$/i;
const ABSENT = /^(?:0(?:\.0)?|false)?$/i;
/** Between the labels of an image. */
export const SEPARATOR = ';';

/**
 * Reads a file `file,labels`, such as `beach.jpg,sea;sand`, whose first row may name the columns, of any names and in
 * any order; or one with a column for each label, which holds 1 or true where the image has it and 0 or false where not. A column `split`
 * may say what an image is for. An image that stands in several rows has the labels of all.
 *
 * @param find the path of the image that a name means, the same for all its names
 * @param oneLabel whether an image has exactly one label
 * @throws TrainerError `dataset_invalid`
 */
export async function readLabelFile(
  path: string,
  find: (file: string) => string | undefined = () => undefined,
  oneLabel = false,
): Promise<LabelFile> {
  const { names, fileAt, labelsAt, splitAt, columns, body } = findColumns(
    (await readCsv(path)).rows,
    oneLabel,
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
      throw invalid(
        `0 or 1 for ${name} in line ${line}`,
        `it is ${cell}: name the column that has the labels, label`,
      );
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
    const imagePath = find(file);
    const key = imagePath ?? file;
    const earlier = images.get(key);
    const all = new Set([
      ...(earlier?.labels ?? []),
      ...names.map((name) => indexOf.get(name) as number),
    ]);
    const split = splitIn(row);
    images.set(key, {
      line: row.line,
      file,
      imagePath,
      labels: [...all].sort((a, b) => a - b),
      split,
    });
  }
  return { labels, images: [...images.values()], hasSplits: splitAt >= 0 };
}

/**
 * What the columns of a label file mean, −1 for those that it has not, and its rows below their names. The column of
 * files is told by its name, or else by what it holds; of two columns, the other holds the labels, whatever its name.
 *
 * @param oneLabel whether a single column of 0 and 1 holds labels, too, rather than says which images have its name
 */
export function findColumns(rows: readonly CsvRow[], oneLabel = false) {
  const first = rows[0]?.cells ?? [];
  const below = rows.slice(1);
  const isData = first.some(hasImageExtension);
  // Names of columns do not come again in them, as labels do.
  const isIn = (cell: string, at: number) => below.some(({ cells }) => cells[at] === cell);
  const isNamed = (pattern: RegExp) =>
    first.map((cell, at) => !isData && pattern.test(cell) && !isIn(cell, at));
  const [areFiles, areLabels] = [isNamed(FILE), isNamed(LABELS)];
  const holdFiles = first.map((_, at) => {
    const files = rows.filter(({ cells }) => hasImageExtension(cells[at] ?? ''));
    return 2 * files.length >= rows.length;
  });
  const named = first.map((_, at) => 2 * Number(areFiles[at]) + Number(holdFiles[at]));
  const fileAt = Math.max(named.indexOf(Math.max(...named)), 0);
  const hasHeader =
    !isData &&
    (areFiles.includes(true) ||
      areLabels.includes(true) ||
      namesColumn(first[fileAt] ?? '', below, fileAt));
  const names = hasHeader ? first : fileAt === 1 ? ['labels', 'file'] : ['file', 'labels'];
  const splitAt = names.findIndex((name) => SPLIT.test(name));
  // A column without a name is the index that pandas writes.
  const columns = [...names.keys()].filter(
    (at) => at !== fileAt && at !== splitAt && names[at] !== '',
  );
  const body = hasHeader ? below : rows;
  const [single] = columns.length === 1 ? columns : [];
  const isPresence = (at: number) =>
    body.every(({ cells: { [at]: cell = '' } }) => PRESENT.test(cell) || ABSENT.test(cell));
  const labelsAt =
    columns.find((at) => LABELS.test(names[at] ?? '')) ??
    (single !== undefined && (oneLabel || !isPresence(single)) ? single : -1);
  return { names, body, fileAt, labelsAt, splitAt, columns };
}

/** Whether a cell differs from all below as a name does from files or numbers. */
function namesColumn(cell: string, below: readonly CsvRow[], at: number): boolean {
  const isFile = ({ cells: { [at]: other = '' } }: CsvRow) =>
    /\d/.test(other) || hasImageExtension(other);
  return below.length > 0 && !/\d/.test(cell) && below.every(isFile);
}

function namesOf(cell: string): string[] {
  return cell
    .split(SEPARATOR)
    .map((name) => labelOf(name.trim()))
    .filter(Boolean);
}
