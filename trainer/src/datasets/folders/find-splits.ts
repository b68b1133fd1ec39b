import { join } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import type { Folder, FolderReader } from './folder-reader.ts';
import { isPlainName, type Role, rolesOf, type SplitName } from './split-names.ts';

/** How to read a folder whose names are ambiguous. */
export const folderMeanings = ['classes', 'splits'] as const;
export type FolderMeaning = (typeof folderMeanings)[number];

/** An image has the label of each class folder that it lies in. */
export const BY_FOLDERS = 'folders';

export interface LayoutOptions {
  /** What the folders in the root are; undefined where their names decide. */
  readonly folders?: FolderMeaning | undefined;
  /**
   * Where an image may have several labels, the path of the file that lists them, or {@link BY_FOLDERS};
   * undefined where each has one.
   */
  readonly labels?: string | undefined;
  /** Whether the images are for training or only for measuring a model: then one split or one class is enough. */
  readonly purpose: 'training' | 'measuring';
}

export interface SplitFolders {
  /** null where the folders in the root are classes. */
  readonly splits: Readonly<Partial<Record<SplitName, Folder>>> | null;
  /** What the user should know about them. */
  readonly notes: readonly string[];
}

/**
 * Finds the folders of splits in the root, by their names and by what is in them.
 *
 * @throws TrainerError `dataset_invalid` where folders could be splits or classes, or where there is not exactly one folder of training images
 */
export async function findSplits(
  reader: FolderReader,
  { folders: meaning, purpose }: LayoutOptions,
): Promise<SplitFolders> {
  if (meaning === 'classes') return { splits: null, notes: [] };
  const { folders } = await reader.list(reader.root);
  const roles = rolesOf(folders.map(({ name }) => name));
  const withImages = await reader.foldersWithImages(reader.root);
  const others = withImages.filter(({ name }) => !roles.has(name));
  const siblings: Siblings = { reader, roles, folders, others };
  if (meaning === undefined && !(await areSplits(siblings))) {
    const read = [...roles.keys()].map(
      (name) =>
        `${name} is read as a class, as the folders beside it are; --folders splits changes that.`,
    );
    return { splits: null, notes: read };
  }

  const splits: Partial<Record<SplitName, Folder>> = {};
  const unused: string[] = others.map(({ name }) => name);
  const byName = new Map(folders.map((folder) => [folder.name, folder]));
  for (const [name, role] of roles) {
    const folder = byName.get(name) as Folder;
    if (role === 'unlabelled') unused.push(name);
    else if (!splits[role]) splits[role] = folder;
    else if (role === 'train') {
      const all = namesOf(siblings, 'train');
      throw invalid(
        `Expected one folder to train on in ${reader.root.path}, but there are ${listNames(all, 5)}: move the others out, or pass --folders classes if they are classes.`,
      );
    } else unused.push(name);
  }
  if (!splits.train && (purpose === 'training' || roles.size === 0)) {
    throw invalid(
      `Expected a folder to train on in ${reader.root.path}, such as train, but there is ${whatThereIs(reader.root, [...roles.keys()])}.`,
    );
  }
  const notes =
    unused.length > 0
      ? [`Left out, since they are beside the splits: ${listNames(unused, 10)}.`]
      : [];
  return { splits, notes };
}

interface Siblings {
  readonly reader: FolderReader;
  readonly roles: ReadonlyMap<string, Role>;
  readonly folders: readonly Folder[];
  /** The folders with images whose names are not those of splits. */
  readonly others: readonly Folder[];
}

async function areSplits(siblings: Siblings): Promise<boolean> {
  const { reader, roles, folders, others } = siblings;
  if (roles.size === 0) return false;
  if (others.length === 0) return true;
  const trains = folders.filter(({ name }) => roles.get(name) === 'train');
  // With images directly in them, they look like classes.
  const flat = await Promise.all(trains.map((train) => isFlat(reader, train)));
  if (trains.length > 0 && roles.size === trains.length && flat.every(Boolean)) return false;
  const othersFlat = await Promise.all(others.map((other) => isFlat(reader, other)));
  const hasSplits = trains.length > 0 && roles.size > trains.length && !flat.some(Boolean);
  // Folders of loose images beside splits of class folders.
  if (hasSplits && othersFlat.every(Boolean)) return true;
  throw invalid(
    `Expected folders of classes, or of splits such as train and test, in ${reader.root.path}, but ${listNames([...roles.keys()], 3)} ${roles.size > 1 ? 'are' : 'is'} beside ${listNames(
      others.map(({ name }) => name),
      3,
    )}: ${trains.length > 0 ? 'pass --folders splits or --folders classes to say what they are' : 'pass --folders classes if all are classes, or move it out'}.`,
  );
}

async function isFlat(reader: FolderReader, folder: Folder): Promise<boolean> {
  const unwrapped = await unwrap(reader, folder);
  const images = await reader.imagesIn(unwrapped);
  return images.length > 0 && (await reader.foldersWithImages(unwrapped)).length < 2;
}

/**
 * The folder that holds a split's class folders: archives often nest it, as in `train/train`.
 *
 * @param isClass whether a folder has the name of a training class
 */
export async function unwrap(
  reader: FolderReader,
  folder: Folder,
  isClass: (name: string) => boolean = () => false,
): Promise<Folder> {
  const [inner, ...more] = (await reader.list(folder)).folders;
  if (!inner || more.length > 0 || isClass(inner.name)) return folder;
  if (inner.name !== folder.name && !isPlainName(inner.name)) return folder;
  return (await reader.imagesIn(folder)).length > 0 ? folder : unwrap(reader, inner, isClass);
}

function whatThereIs({ path }: Folder, roles: readonly string[]): string {
  const [first, ...more] = roles;
  if (first === undefined) return 'none: rename one, or leave out --folders splits';
  return more.length > 0
    ? `only ${listNames(roles, 5)}: rename one, or pass --folders classes if they are classes`
    : `only ${first}: pass ${join(path, first)} if that is to train on`;
}

function namesOf({ roles }: Siblings, role: Role): string[] {
  return [...roles].filter(([, one]) => one === role).map(([name]) => name);
}

function invalid(message: string): TrainerError {
  return new TrainerError('dataset_invalid', message);
}
