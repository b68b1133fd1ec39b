import { writeFileAtomically } from '../../files/write-atomically.ts';
import { labelOf } from '../folders/folder-reader.ts';
import { findColumns, SEPARATOR } from './label-file.ts';
import { type Delimiter, readCsv } from './read-csv.ts';

/**
 * Lists an image in a label file as its last row, to be trained on, or takes it out of it. The other rows stay as they
 * are, and a file in UTF-16 becomes one in UTF-8.
 *
 * @param path of the label file, as `readLabelFile` reads it
 * @param file as the label file names the image; it has no line break
 * @param labels undefined to take the image out
 * @throws TrainerError `dataset_invalid`, `disk_full`, `not_writable`
 */
export async function setLabelRow(
  path: string,
  file: string,
  labels: readonly string[] | undefined,
): Promise<void> {
  const { rows, delimiter, text } = await readCsv(path);
  const { names, fileAt, labelsAt, splitAt, body } = findColumns(rows);
  const [lineBreak = '\n'] = /\r\n?|\n/.exec(text) ?? [];
  const lines = text.replace(/[\r\n]+$/, '').split(/\r\n?|\n/);
  const own = new Set(body.filter(({ cells }) => cells[fileAt] === file).map(({ line }) => line));
  const kept = lines.filter((_, at) => !own.has(at + 1));
  const cellOf = (name: string, at: number) => {
    if (at === fileAt) return file;
    if (at === splitAt) return 'train';
    if (at === labelsAt) return labels?.join(SEPARATOR) ?? '';
    if (labelsAt >= 0) return '';
    return labels?.includes(labelOf(name)) ? '1' : '0';
  };
  if (labels) {
    kept.push(names.map((name, at) => quoted(cellOf(name, at), delimiter)).join(delimiter));
  }
  await writeFileAtomically(path, `${kept.join(lineBreak)}${lineBreak}`);
}

function quoted(cell: string, delimiter: Delimiter): string {
  return /["\r\n]/.test(cell) || cell.includes(delimiter)
    ? `"${cell.replaceAll('"', '""')}"`
    : cell;
}
