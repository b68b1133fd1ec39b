import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TrainerError } from '../errors.ts';

/** A file that should be a picture. */
export interface LabelledFile {
  readonly path: string;
  readonly label: number;
}

export type SplitName = 'train' | 'validation' | 'test';

/** Where a folder of photos has what. */
export interface FolderLayout {
  readonly labels: readonly string[];
  /** In the order of labels, then of paths; null where the folder has no such split. */
  readonly files: Readonly<Record<SplitName, readonly LabelledFile[] | null>>;
  /** Categories of the category file that have no folder. */
  readonly missing: readonly string[];
}

/** Folder names that hold a split of their own rather than a class. */
const SPLITS = {
  train: ['train', 'training'],
  validation: ['valid', 'validation', 'val'],
  test: ['test', 'testing'],
} as const;

/** One class: its label, and the folders that may hold its pictures. */
interface Category {
  readonly label: string;
  readonly folders: readonly string[];
}

/**
 * Finds the pictures of a folder of class folders, `cat/1.jpg`, or of splits of such,
 * `train/cat/1.jpg` with `valid` and `test` beside `train`. Hidden files are passed over.
 *
 * A file `categories….txt` in the folder, one `/a/airfield 0` a line, says which classes there are
 * and in which order (as Places365 has it). Their pictures are in `a/airfield`, `airfield` or, for
 * `/f/forest/broadleaf`, `forest-broadleaf`.
 *
 * @throws TrainerError `dataset_invalid` where there are no two classes, or a split has other
 *   classes than `train`
 */
export async function findLayout(folder: string): Promise<FolderLayout> {
  const splits = await findSplits(folder);
  const categories = await readCategories(folder);
  const all = categories ?? classFolders(await foldersIn(splits.train));
  const classes: Category[] = [];
  for (const category of all) {
    if (await firstFolder(splits.train, category.folders)) classes.push(category);
  }
  if (classes.length < 2) {
    throw invalid(
      `Expected ${splits.train} to hold a folder for each class, two at least, but it has ${classes.length}.`,
    );
  }
  const filesIn = async (split: string | undefined) => {
    if (split === undefined) return null;
    if (!categories) await refuseOtherClasses(split, classes);
    return listFiles(split, classes);
  };
  return {
    labels: classes.map(({ label }) => label),
    files: {
      train: await listFiles(splits.train, classes),
      validation: await filesIn(splits.validation),
      test: await filesIn(splits.test),
    },
    missing: all.filter((one) => !classes.includes(one)).map(({ label }) => label),
  };
}

function classFolders(names: readonly string[]): Category[] {
  return names.toSorted().map((name) => ({ label: name, folders: [name] }));
}

async function findSplits(
  folder: string,
): Promise<{ train: string; validation?: string; test?: string }> {
  const inside = await foldersIn(folder);
  const find = (names: readonly string[]) => {
    const name = inside.find((one) => names.includes(one.toLowerCase()));
    return name && join(folder, name);
  };
  const train = find(SPLITS.train);
  if (!train) return { train: folder };
  const [validation, test] = [find(SPLITS.validation), find(SPLITS.test)];
  return { train, ...(validation && { validation }), ...(test && { test }) };
}

/** @see http://places2.csail.mit.edu/download.html, `categories_places365.txt` */
async function readCategories(folder: string): Promise<Category[] | undefined> {
  const file = (await readdir(folder)).find((name) => /^categories.*\.txt$/i.test(name));
  if (file === undefined) return undefined;
  const lines = (await readFile(join(folder, file), 'utf8')).split(/\r?\n/).filter(Boolean);
  const categories = lines.map((line, index) => {
    const [, path, number] = /^\/?(\S.*?)\/?\s+(\d+)$/.exec(line) ?? [];
    if (path === undefined || Number(number) !== index || path.split('/').includes('..')) {
      throw invalid(
        `Expected line ${index + 1} of ${join(folder, file)} to be a category and the number ${index}, such as /a/airfield ${index}, but it is ${line}.`,
      );
    }
    const name = path.replace(/^\w\//, '');
    return { label: name, folders: [path, name, name.replaceAll('/', '-')] };
  });
  return categories;
}

async function firstFolder(
  inside: string,
  candidates: readonly string[],
): Promise<string | undefined> {
  for (const candidate of candidates) {
    const path = join(inside, candidate);
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return path;
  }
  return undefined;
}

async function refuseOtherClasses(split: string, classes: readonly Category[]): Promise<void> {
  const unknown = (await foldersIn(split)).find(
    (name) => !classes.some(({ label }) => label === name),
  );
  if (unknown !== undefined) {
    throw invalid(
      `Expected ${basename(split)} to have the classes of the training pictures, but it also has ${unknown}: remove it, or add pictures of it to train on.`,
    );
  }
}

async function listFiles(split: string, classes: readonly Category[]): Promise<LabelledFile[]> {
  const files: LabelledFile[] = [];
  for (const [label, { folders }] of classes.entries()) {
    // A class may have no pictures in one of the splits.
    const folder = await firstFolder(split, folders);
    if (!folder) continue;
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => !entry.isDirectory() && !isHidden(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
    for (const path of paths) files.push({ path, label });
  }
  return files;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TrainerError(
      'dataset_invalid',
      `Expected a folder of photos at ${folder}, but it cannot be read.`,
      cause,
    );
  });
  return entries
    .filter((entry) => entry.isDirectory() && !isHidden(entry.name))
    .map(({ name }) => name);
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === 'Thumbs.db' || name === 'desktop.ini';
}

function invalid(message: string): TrainerError {
  return new TrainerError('dataset_invalid', message);
}
