import { join } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import type { LayoutOptions } from './find-splits.ts';
import { ARCHIVE, type Folder, type FolderReader, LIST } from './folder-reader.ts';

/**
 * Says why a folder has too few class folders, and which folder was probably meant. For measuring, one class is enough.
 *
 * @throws TrainerError `dataset_invalid`
 */
export async function refuseTooFew(
  reader: FolderReader,
  main: Folder,
  classes: number,
  purpose: LayoutOptions['purpose'],
): Promise<void> {
  const below = await onlyFolderBelow(reader, main);
  if (purpose === 'measuring' && classes === 1 && !below) return;
  const has = below
    ? `its images are in a folder below: pass ${below.path}`
    : await whatItHas(reader, main, classes);
  throw invalid(`Expected ${main.path} to hold a folder for each class, two at least, but ${has}.`);
}

async function whatItHas(reader: FolderReader, main: Folder, classes: number): Promise<string> {
  const images = (await reader.imagesIn(main)).length;
  if (classes === 0 && images > 0) {
    const lists = [...new Set([main, reader.root])].map((folder) => listIn(reader, folder));
    const list = (await Promise.all(lists)).find((path) => path !== undefined);
    const or = list
      ? `, or pass ${list} if it lists their classes`
      : main === reader.root
        ? ', or pass the folder above if these are one class'
        : '';
    return `it has images and no folders of images: put them into class folders, such as cat/1.jpg${or}`;
  }
  const archives = await archivesIn(reader, main);
  if (archives.length > 0) {
    return `it has ${classes}, and archives: unpack ${listNames(archives, 3)}`;
  }
  if (classes > 0) return `it has ${classes}`;
  const links = reader.skipped.filter(({ why }) => why === 'outside').length;
  if (links > 0) {
    return 'its files are links out of it, which are not followed: copy it with cp -rL, and pass the copy';
  }
  return 'there are no images in it that can be read';
}

/** Path of the first list in a folder, by its name. */
async function listIn(reader: FolderReader, folder: Folder): Promise<string | undefined> {
  const name = (await reader.list(folder)).files.find((file) => LIST.test(file));
  return name && join(folder.path, name);
}

/** Names of the archives in a folder, and directly in its folders. */
async function archivesIn(reader: FolderReader, main: Folder): Promise<string[]> {
  const { folders, files } = await reader.list(main);
  const names = [...files];
  for (const folder of folders) {
    const inner = await reader.list(folder);
    names.push(...inner.files.map((file) => `${folder.name}/${file}`));
  }
  return names.filter((name) => ARCHIVE.test(name));
}

/** Descends while there is exactly one folder with images, and returns the first folder with several. */
export async function onlyFolderBelow(
  reader: FolderReader,
  main: Folder,
): Promise<Folder | undefined> {
  let folder = main;
  for (;;) {
    const [inner, ...more] = await reader.foldersWithImages(folder);
    if (more.length > 0) return folder === main ? undefined : folder;
    if (!inner || (await reader.imagesIn(folder)).length > 0) return undefined;
    folder = inner;
  }
}

/**
 * Checks whether the folders that are read as classes hold class folders themselves, like `fold1/cat` and `fold2/cat`.
 *
 * @returns what the user should know, in sentences
 * @throws TrainerError `dataset_invalid` where all contain the same folders
 */
export async function refuseUnlikelyClasses(reader: FolderReader, main: Folder): Promise<string[]> {
  const classes = await reader.foldersWithImages(main);
  const inner: Folder[][] = [];
  for (const folder of classes) {
    const folders = await reader.foldersWithImages(folder);
    if (folders.length < 2 || (await reader.imagesIn(folder)).length > 0) return [];
    inner.push(folders);
  }
  const [first = [], ...rest] = inner.map((folders) =>
    folders.map(({ name }) => name.normalize('NFC')),
  );
  const shared = first.filter((name) => rest.every((names) => names.includes(name)));
  const names = listNames(
    classes.map(({ name }) => name),
    3,
  );
  if (rest.length > 0 && shared.length >= 2) {
    throw invalid(
      `Expected the folders in ${main.path} to be classes, but each of ${names} has the folders ${listNames(shared, 3)}: pass the one to use, or --folders classes if they are classes nevertheless.`,
    );
  }
  return [`Each of ${names} is read as one class, including all the folders in it.`];
}

function invalid(message: string): TrainerError {
  return new TrainerError('dataset_invalid', message);
}
