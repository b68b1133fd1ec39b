import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import type { FolderReader } from './folder-reader.ts';

/** A class of a category file. */
export interface Category {
  readonly label: string;
  /** Folders that may hold its images, relative to a split's folder. */
  readonly folders: readonly string[];
}

/** A file of 21,000 categories takes a twentieth of this. */
const MAX_BYTES = 10_000_000;

/**
 * Reads the classes and their order from a file `categories….txt` in the root, one
 * `/a/airfield 0` a line.
 *
 * @returns undefined where there is none
 * @throws TrainerError `dataset_invalid`
 * @see http://places2.csail.mit.edu/download.html, `categories_places365.txt`
 */
export async function readCategories(reader: FolderReader): Promise<Category[] | undefined> {
  const { files } = await reader.list(reader.root);
  const name = files.find((one) => /^categories.*\.txt$/i.test(one));
  if (name === undefined) return undefined;
  const path = join(reader.root.path, name);
  const text = await readText(path);
  const seen = new Set<string>();
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line, index) => {
      const category = parseLine(line, index);
      if (category && !seen.has(category.label)) {
        seen.add(category.label);
        return category;
      }
      throw invalid(
        `Expected line ${index + 1} of ${path} to be a new category and the number ${index}, such as /a/airfield ${index}, but it is ${shorten(line)}.`,
      );
    });
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_BYTES) return await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(
      `Expected to read the categories in ${path}, but the file cannot be read: check its permissions.`,
      cause,
    );
  }
  throw invalid(
    `Expected at most ${MAX_BYTES / 1e6} MB of categories in ${path}: rename it if it holds something else.`,
  );
}

/** Without a regular expression, which on a long line would try every position with every other. */
function parseLine(line: string, index: number): Category | undefined {
  const gap = Math.max(line.lastIndexOf(' '), line.lastIndexOf('\t'));
  if (line.slice(gap + 1) !== `${index}`) return undefined;
  const parts = line.slice(0, Math.max(gap, 0)).trim().split('/');
  if (parts[0] === '') parts.shift();
  if (parts.at(-1) === '') parts.pop();
  if (parts.length === 0 || parts.some((part) => ['', '.', '..'].includes(part))) return undefined;
  const path = parts.join('/');
  const name = (parts[0]?.length === 1 && parts.length > 1 ? parts.slice(1) : parts).join('/');
  return {
    label: printable(name.normalize('NFC')),
    folders: [path, name, name.replaceAll('/', '-')],
  };
}

function shorten(line: string): string {
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

function invalid(message: string, cause?: unknown): TrainerError {
  return new TrainerError('dataset_invalid', message, cause);
}
