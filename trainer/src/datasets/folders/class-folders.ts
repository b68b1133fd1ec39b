import { join } from 'node:path';
import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import type { Category } from './category-file.ts';
import { type Folder, type FolderReader, labelOf } from './folder-reader.ts';

/** A class, and where its images are. */
export interface ClassFolders {
  readonly label: string;
  /** @returns the class's folders in a split: two, where the same name is encoded in two ways */
  in(split: Folder): Promise<readonly Folder[]>;
}

export interface Classes {
  readonly classes: readonly ClassFolders[];
  /** Labels of categories that have no folder. */
  readonly missing: readonly string[];
  /** What the user should know about them, in sentences. */
  readonly notes: readonly string[];
}

/** A class for each folder that has images, in the order of their names. */
export async function classesByName(reader: FolderReader, main: Folder): Promise<Classes> {
  const withImages = new Set(await reader.foldersWithImages(main));
  const byLabel = await reader.foldersByLabel(main);
  const all = [...byLabel.values()].flat();
  const skipped = new Set(reader.skipped.map(({ path }) => join(reader.root.path, path)));
  const empty = all.filter((folder) => !withImages.has(folder) && !skipped.has(folder.path));
  const labels = [...byLabel]
    .filter(([, folders]) => folders.some((folder) => withImages.has(folder)))
    .map(([label]) => label)
    .sort();
  const classes = labels.map((label) => ({
    label,
    in: async (split: Folder) => (await reader.foldersByLabel(split)).get(label) ?? [],
  }));
  const linked = [...withImages].filter(({ isOutside }) => isOutside);
  const findings: [string, readonly string[]][] = [
    ['Left out, since they hold no images', empty.map(({ name }) => name)],
    [
      'Class folders that are links, which are followed',
      linked.map(({ name, real }) => `${name} to ${real}`),
    ],
    [
      'Class folders whose names differ only in their Unicode form, which are read as one',
      labels.filter((label) => (byLabel.get(label)?.length ?? 0) > 1),
    ],
    [
      'Classes with nearly the same name; if they are one class, put them into one folder',
      nearlyTheSame(labels),
    ],
  ];
  return {
    classes,
    missing: [],
    notes: findings
      .filter(([, names]) => names.length > 0)
      .map(([what, names]) => `${what}: ${names.length} (${listNames(names.map(printable), 10)}).`),
  };
}

/** The categories that have a folder of training images, in their order. */
export async function classesOfCategories(
  reader: FolderReader,
  main: Folder,
  categories: readonly Category[],
): Promise<Classes> {
  const classes: ClassFolders[] = [];
  const missing: string[] = [];
  for (const { label, folders } of categories) {
    const foldersIn = async (split: Folder) => {
      for (const path of folders) {
        const folder = await descend(reader, split, path.split('/'));
        if (folder) return [folder];
      }
      return [];
    };
    if ((await foldersIn(main)).length > 0) classes.push({ label, in: foldersIn });
    else missing.push(label);
  }
  return { classes, missing, notes: [] };
}

async function descend(
  reader: FolderReader,
  from: Folder,
  names: readonly string[],
): Promise<Folder | undefined> {
  let at: Folder | undefined = from;
  for (const name of names) {
    at = at && (await reader.foldersByLabel(at)).get(labelOf(name))?.[0];
  }
  return at;
}

/** The same for names that are easily confused: `Cat`, `cat ` and `cat.`. */
export function looseKey(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s._-]+/g, ' ')
    .trim();
}

function nearlyTheSame(labels: readonly string[]): string[] {
  const byKey = Map.groupBy(labels, looseKey);
  return [...byKey.values()]
    .filter((alike) => alike.length > 1)
    .map((alike) => alike.map((label) => `"${label}"`).join(' and '));
}
