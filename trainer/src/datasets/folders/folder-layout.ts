import { join, relative } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import { readCategories } from './category-file.ts';
import {
  type ClassFolders,
  classesByName,
  classesOfCategories,
  looseKey,
} from './class-folders.ts';
import { openClosest } from './descend.ts';
import { findSplits, type LayoutOptions, unwrap } from './find-splits.ts';
import { type Folder, type FolderReader, labelOf, type Skipped } from './folder-reader.ts';
import { refuseTooFew, refuseUnlikelyClasses } from './refuse-layout.ts';
import type { SplitName } from './split-names.ts';
import { withoutMasks } from './without-masks.ts';

/** A file that should be an image. */
export interface LabelledFile {
  readonly path: string;
  readonly label: number;
  /** All of its labels, ascending, where an image may have several. */
  readonly labels?: readonly number[];
}

/** The files of a folder of photos, by split and label. */
export interface FolderLayout {
  readonly labels: readonly string[];
  /** In the order of labels, then of paths; null where the folder has no such split. */
  readonly files: Readonly<Record<SplitName, readonly LabelledFile[] | null>>;
  /** Categories of the category file that have no folder. */
  readonly missing: readonly string[];
  /** The entries that are not read. */
  readonly skipped: readonly Skipped[];
  /** How the folders were read, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Finds the images of a folder of class folders, `cat/1.jpg`, or of splits of such,
 * `train/cat/1.jpg` with `valid` and `test` beside `train` (see `findSplits`). Clutter is passed
 * over at any depth, and names are compared in their composed Unicode form.
 *
 * A file `categories….txt` in the folder, one `/a/airfield 0` a line, says which classes there are
 * and in which order (as Places365 has it). Their images are in `a/airfield`, `airfield` or, for
 * `/f/forest/broadleaf`, `forest-broadleaf`.
 *
 * @throws TrainerError `dataset_invalid` where there are fewer than two classes (for measuring,
 *   none), where a split has other classes than `train`, or where folders could be classes or
 *   splits
 */
export async function findLayout(path: string, options: LayoutOptions): Promise<FolderLayout> {
  const { reader, way, notes: wayNotes } = await openClosest(path, options);
  const categories = await readCategories(reader);
  const { splits, notes: splitNotes } = await findSplits(reader, options);
  const notes = [...wayNotes, ...splitNotes];
  const { train = splits === null ? reader.root : undefined, validation, test } = splits ?? {};
  // For measuring, a test set alone is enough.
  const first = (train ?? test ?? validation) as Folder;
  const main = splits === null ? first : await unwrap(reader, first);
  const found = categories
    ? await classesOfCategories(reader, main, categories)
    : await classesByName(reader, main);
  notes.push(...found.notes);
  const { classes } = found;
  if (classes.length < 2) await refuseTooFew(reader, main, classes.length, options.purpose);
  if (options.folders === undefined && !categories) {
    notes.push(...(await refuseUnlikelyClasses(reader, main)));
  }
  const lister = new SplitLister(reader, classes, Boolean(categories));
  const filesIn = async (folder: Folder | undefined) => {
    if (folder === undefined) return null;
    return folder === first ? lister.main(main) : lister.other(folder);
  };
  const files = {
    train: (await filesIn(train)) ?? [],
    validation: await filesIn(validation),
    test: await filesIn(test),
  };
  notes.push(...lister.notes());
  if (splits !== null) notes.unshift(...describeSplits(splits, files));
  return {
    labels: classes.map(({ label }) => label),
    files,
    missing: found.missing,
    skipped: reader.skipped.map((one) => ({ ...one, path: join(way, one.path) })),
    notes,
  };
}

/** Lists the files of the splits, and notes what it leaves out. */
class SplitLister {
  readonly #reader: FolderReader;
  readonly #classes: readonly ClassFolders[];
  readonly #hasCategories: boolean;
  readonly #notes: string[] = [];
  readonly #masks: string[] = [];

  constructor(reader: FolderReader, classes: readonly ClassFolders[], hasCategories: boolean) {
    this.#reader = reader;
    this.#classes = classes;
    this.#hasCategories = hasCategories;
  }

  /** Of the split that the classes are from. */
  async main(split: Folder): Promise<LabelledFile[]> {
    const loose = await this.#reader.imagesIn(split);
    if (loose.length > 0) {
      const names = loose.map((name) => this.#nameOf(join(split.path, name)));
      this.#notes.push(
        `Left out, since they are beside the class folders: ${loose.length} (${listNames(names, 5)}).`,
      );
    }
    const { files, masks } = await listFiles(this.#reader, split, this.#classes);
    this.#masks.push(...masks);
    return files;
  }

  /** @returns null for a split whose images have no labels */
  async other(folder: Folder): Promise<LabelledFile[] | null> {
    const labels = new Set(this.#classes.map(({ label }) => label));
    const split = await unwrap(this.#reader, folder, (name) => labels.has(labelOf(name)));
    if (await isUnlabelled(this.#reader, split, this.#classes)) {
      const images = (await this.#reader.imagesIn(split)).length;
      this.#notes.push(
        `Images of ${printable(folder.name)} in no class folder, which have no label and are left out: ${images}.`,
      );
      return null;
    }
    if (!this.#hasCategories) await refuseOtherClasses(this.#reader, split, this.#classes);
    return this.main(split);
  }

  notes(): string[] {
    if (this.#masks.length === 0) return this.#notes;
    const names = this.#masks.map((mask) => this.#nameOf(mask));
    return [
      ...this.#notes,
      `Left out, since they have the names of photos and are probably their masks: ${names.length} (${listNames(names, 3)}).`,
    ];
  }

  #nameOf(path: string): string {
    return printable(relative(this.#reader.root.path, path));
  }
}

/** Usual names, which need no mention. */
const USUAL = /^(?:train|training|valid|validation|val|test|testing)$/i;

const USES: Readonly<Record<SplitName, string>> = {
  train: 'to train on',
  validation: 'to choose the checkpoint',
  test: 'to test on',
};

function describeSplits(
  splits: Readonly<Partial<Record<SplitName, Folder>>>,
  files: FolderLayout['files'],
): string[] {
  const folders = Object.values(splits);
  if (folders.every(({ name }) => USUAL.test(name))) return [];
  const uses = (Object.keys(USES) as SplitName[]).flatMap((role) => {
    const folder = splits[role];
    return folder && files[role] ? [`${printable(folder.name)} ${USES[role]}`] : [];
  });
  return [`Splits: ${uses.join(', ')}.`];
}

/** Whether a split has images, but none of them in a folder that could be a class. */
async function isUnlabelled(
  reader: FolderReader,
  split: Folder,
  classes: readonly ClassFolders[],
): Promise<boolean> {
  if ((await reader.imagesIn(split)).length === 0) return false;
  for (const { in: foldersIn } of classes) {
    if ((await foldersIn(split)).length > 0) return false;
  }
  return (await reader.foldersWithImages(split)).length === 0;
}

async function refuseOtherClasses(
  reader: FolderReader,
  split: Folder,
  classes: readonly ClassFolders[],
): Promise<void> {
  const known = new Set<string>();
  for (const { in: foldersIn } of classes) {
    for (const { path } of await foldersIn(split)) known.add(path);
  }
  const unknown = (await reader.foldersWithImages(split)).find(({ path }) => !known.has(path));
  if (!unknown) return;
  const alike = classes.find(({ label }) => looseKey(label) === looseKey(unknown.name));
  throw new TrainerError(
    'dataset_invalid',
    alike
      ? `Expected ${split.name} to have the classes of the training images, but it has ${unknown.name} where they have ${alike.label}: give both the same name.`
      : `Expected ${split.name} to have the classes of the training images, but it also has ${unknown.name}: remove it, or add images of it to train on.`,
  );
}

async function listFiles(
  reader: FolderReader,
  split: Folder,
  classes: readonly ClassFolders[],
): Promise<{ files: LabelledFile[]; masks: string[] }> {
  const files: LabelledFile[] = [];
  const masks: string[] = [];
  for (const [label, { in: foldersIn }] of classes.entries()) {
    // A class may have no images in one of the splits.
    for (const folder of await foldersIn(split)) {
      const found = withoutMasks(await reader.filesBelow(folder));
      masks.push(...found.masks);
      for (const path of found.photos) files.push({ path, label });
    }
  }
  return { files, masks };
}
