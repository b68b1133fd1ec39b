import { readFile, stat } from 'node:fs/promises';
import { TrainerError } from '../../errors.ts';

/** A file of ten million images takes about this. */
const MAX_BYTES = 1e9;

/** A row of a file of comma-separated values. */
export interface CsvRow {
  /** Of its first cell, counted from 1. */
  readonly line: number;
  /** Without spaces at their ends, and without quotes. */
  readonly cells: readonly string[];
}

/** Where a comma is the decimal separator, spreadsheets write semicolons between cells. */
export type Delimiter = ',' | ';';

/**
 * Reads comma-separated values (RFC 4180): cells in quotes may hold commas, line breaks and doubled quotes. Empty
 * lines are passed over. A file whose first line has semicolons and no comma has semicolons between its cells.
 *
 * @throws TrainerError `dataset_invalid`
 */
export async function readCsv(
  path: string,
): Promise<{ readonly rows: CsvRow[]; readonly delimiter: Delimiter }> {
  const text = await readText(path);
  const delimiter = delimiterOf(text);
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let [line, first] = [1, 1];
  const end = () => {
    if (cells.some((cell) => cell !== '')) rows.push({ line: first, cells });
    cells = [];
    first = line;
  };
  // A cell and what ends it. A quote that nothing closes is taken as it stands.
  const pattern =
    delimiter === ','
      ? /[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^,\r\n]*))(,|\r?\n|\r|$)/gy
      : /[ \t]*(?:"((?:[^"]|"")*)"[ \t]*|([^;\r\n]*))(;|\r?\n|\r|$)/gy;
  for (const [whole, quoted, plain = '', ended] of text.matchAll(pattern)) {
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    line += whole.match(/\r?\n|\r/g)?.length ?? 0;
    if (ended !== delimiter) end();
    if (ended === '') break;
  }
  return { rows, delimiter };
}

function delimiterOf(text: string): Delimiter {
  const unquoted = text
    .slice(0, 100_000)
    .replaceAll(/"(?:[^"]|"")*"/g, '')
    .trimStart();
  const [first = ''] = unquoted.split(/[\r\n]/, 1);
  return first.includes(';') && !first.includes(',') ? ';' : ',';
}

async function readText(path: string): Promise<string> {
  const invalid = (but: string, cause?: unknown) =>
    new TrainerError('dataset_invalid', `Expected a CSV file at ${path}, but ${but}.`, cause);
  const stats = await stat(path).catch((cause: unknown) => {
    throw invalid('there is nothing by that name that can be read', cause);
  });
  if (!stats.isFile()) throw invalid('it is no file');
  if (stats.size > MAX_BYTES) throw invalid(`it has more than ${MAX_BYTES / 1e9} GB`);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw invalid('it cannot be read: check its permissions', cause);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid('it is not UTF-8: save it as such', cause);
  }
}
