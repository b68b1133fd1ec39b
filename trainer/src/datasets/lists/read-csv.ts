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

/** Spreadsheets write tabs too, and semicolons where a comma is the decimal separator. */
export type Delimiter = ',' | '\t' | ';';

interface Csv {
  readonly rows: readonly CsvRow[];
  readonly delimiter: Delimiter;
  /** With its byte order mark, if it has one. */
  readonly text: string;
}

/**
 * Reads comma-separated values (RFC 4180): cells in quotes may hold commas, line breaks and doubled quotes. Empty
 * lines are passed over. A file whose first line has no comma may have tabs or semicolons between its cells.
 *
 * @param path of a file in UTF-8, or in UTF-16 with a byte order mark
 * @throws TrainerError `dataset_invalid`
 */
export async function readCsv(path: string): Promise<Csv> {
  const text = await readText(path);
  // Excel's first line `sep=;`.
  const [begin = '', separator] = /^\ufeff?(?:sep=([,;\t])\r?\n)?/i.exec(text) ?? [];
  const values = text.slice(begin.length);
  const delimiter = (separator as Delimiter | undefined) ?? delimiterOf(values, path);
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  const begins = separator === undefined ? 1 : 2;
  let [line, first] = [begins, begins];
  const end = () => {
    if (cells.some((cell) => cell !== '')) rows.push({ line: first, cells });
    cells = [];
    first = line;
  };
  // A cell and what ends it. A quote that nothing closes is taken as it stands.
  const blank = delimiter === '\t' ? ' *' : '[ \\t]*';
  const cell = `(?:"((?:[^"]|"")*)"${blank}|([^${delimiter}\\r\\n]*))`;
  const pattern = new RegExp(`${blank}${cell}(${delimiter}|\\r?\\n|\\r|$)`, 'gy');
  for (const [whole, quoted, plain = '', ended] of values.matchAll(pattern)) {
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim());
    line += whole.match(/\r?\n|\r/g)?.length ?? 0;
    if (ended !== delimiter) end();
    if (ended === '') break;
  }
  return { rows, delimiter, text };
}

function delimiterOf(text: string, path: string): Delimiter {
  const unquoted = text
    .slice(0, 100_000)
    .replaceAll(/"(?:[^"]|"")*"/g, '')
    .trimStart();
  const [first = ''] = unquoted.split(/[\r\n]/, 1);
  if (/\.tsv$/i.test(path) && first.includes('\t')) return '\t';
  return ([',', '\t', ';'] as const).find((delimiter) => first.includes(delimiter)) ?? ',';
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
    const text = new TextDecoder(encodingOf(bytes), { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.includes('\0')) throw new Error('Text has no zeros.');
    return text;
  } catch (cause) {
    throw invalid('it is not UTF-8: save it as such', cause);
  }
}

/** By the byte order mark: "Unicode text" of spreadsheets is UTF-16. */
function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}
