import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { isClutter, isImageName, withoutDescriptions } from './is-clutter.ts';

export interface Folder {
  /** As it is written on the disk. */
  readonly name: string;
  readonly path: string;
  /** Without links. */
  readonly real: string;
  /** The folder within which links may lead, besides the root. */
  readonly bound: string;
  /** Whether it is a link out of the root. */
  readonly isOutside: boolean;
}

/** The entries directly in a folder, by name, without clutter and without what is skipped. */
interface Listing {
  readonly folders: readonly Folder[];
  /** Names. */
  readonly files: readonly string[];
}

/** An entry that is not read. */
export interface Skipped {
  /** Relative to the root. */
  readonly path: string;
  readonly why:
    | 'broken link'
    | 'outside'
    | 'other file system'
    | 'cycle'
    | 'unreadable'
    | 'bad name'
    | 'no file';
}

/** An archive, by its name. */
export const ARCHIVE = /\.(?:zip|7z|rar|tar|t?gz|tbz|bz2|t?xz|zst)$/i;

/** A list of images and their classes, by its name. */
export const LIST = /\.[ct]sv$/i;

/** The label of a class folder, in NFC: systems encode the same name in different Unicode forms. */
export function labelOf(name: string): string {
  return printable(name.normalize('NFC'));
}

/** Why an entry cannot be opened: bytes of a name that are not UTF-8 are lost before we see them. */
export function whyUnreadable(path: string): 'unreadable' | 'bad name' {
  return path.includes('\ufffd') ? 'bad name' : 'unreadable';
}

const NOTHING: Listing = { folders: [], files: [] };
/** The most folders that are searched for an image: a folder of programs may hold any number. */
const MOST_SEARCHED = 2000;

/**
 * Lists folders that a stranger may have made. Links are followed within the root; a link in the
 * place of a class folder may also lead to a folder elsewhere in the root's file system. Whatever
 * cannot or must not be read is in `skipped`: broken links and those that lead elsewhere, pipes,
 * devices, and files without permission.
 */
export class FolderReader {
  readonly root: Folder;
  readonly #device: number;
  readonly #byLabel = new Map<string, ReadonlyMap<string, readonly Folder[]>>();
  readonly #skipped = new Map<string, Skipped['why']>();
  readonly #listings = new Map<string, Promise<Listing>>();

  private constructor(root: Folder, device: number) {
    this.root = root;
    this.#device = device;
  }

  /** @throws TrainerError `dataset_invalid` where the path is not a folder, or cannot be read */
  static async open(path: string): Promise<FolderReader> {
    try {
      await readdir(path);
      const real = await realpath(path);
      const root = { name: '', path: resolve(path), real, bound: real, isOutside: false };
      return new FolderReader(root, (await stat(real)).dev);
    } catch (cause) {
      const why = await whyNoFolder(path);
      throw new TrainerError(
        'dataset_invalid',
        `Expected a folder of photos at ${path}, but ${why}.`,
        cause,
      );
    }
  }

  get skipped(): Skipped[] {
    return [...this.#skipped].map(([path, why]) => ({ path, why })).sort(byPath);
  }

  list(folder: Folder): Promise<Listing> {
    const known = this.#listings.get(folder.path);
    if (known) return known;
    const listing = this.#read(folder);
    this.#listings.set(folder.path, listing);
    return listing;
  }

  /** The folders in a folder, by label: two, where the same name is encoded in two ways. */
  async foldersByLabel(folder: Folder): Promise<ReadonlyMap<string, readonly Folder[]>> {
    const known = this.#byLabel.get(folder.path);
    if (known) return known;
    const { folders } = await this.list(folder);
    const byLabel = Map.groupBy(folders, ({ name }) => labelOf(name));
    this.#byLabel.set(folder.path, byLabel);
    return byLabel;
  }

  /** Names of the images directly in a folder, told by their extensions. */
  async imagesIn(folder: Folder): Promise<string[]> {
    return (await this.list(folder)).files.filter(isImageName);
  }

  /** The folders in a folder that have an image somewhere in them. */
  async foldersWithImages(folder: Folder): Promise<Folder[]> {
    const { folders } = await this.list(folder);
    const holding = await Promise.all(folders.map((one) => this.holdsImages(one)));
    return folders.filter((_, index) => holding[index]);
  }

  /** Whether a folder has an image somewhere in it, told by the names of files. */
  async holdsImages(folder: Folder): Promise<boolean> {
    const queue = [folder];
    for (const one of queue) {
      if ((await this.imagesIn(one)).length > 0) return true;
      const { folders } = await this.list(one);
      if (queue.length > MOST_SEARCHED) return false;
      queue.push(...folders.filter(({ isOutside }) => !isOutside));
    }
    return false;
  }

  /** Paths of all files below a class folder, sorted. */
  async filesBelow(folder: Folder): Promise<string[]> {
    const paths: string[] = [];
    const seen = new Set([folder.real]);
    const queue = [folder];
    for (const one of queue) {
      const { folders, files } = await this.list(one);
      for (const name of files) paths.push(join(one.path, name));
      for (const inner of folders) {
        if (inner.isOutside) this.#skip(inner.path, 'outside');
        else if (seen.has(inner.real)) this.#skip(inner.path, 'cycle');
        else {
          seen.add(inner.real);
          queue.push(inner);
        }
      }
    }
    return paths.sort();
  }

  #skip(path: string, why: Skipped['why']): void {
    this.#skipped.set(relative(this.root.path, path), why);
  }

  async #read(folder: Folder): Promise<Listing> {
    const entries = await readdir(folder.path, { withFileTypes: true }).catch(() => undefined);
    if (!entries) {
      this.#skip(folder.path, whyUnreadable(folder.path));
      return NOTHING;
    }
    const folders: Folder[] = [];
    const files: string[] = [];
    const follow = async (name: string) => {
      const found = await this.#follow(folder, name);
      if (found === 'file') files.push(name);
      else if (typeof found === 'object') folders.push(found);
    };
    const links: Promise<void>[] = [];
    for (const entry of entries) {
      const { name } = entry;
      const path = join(folder.path, name);
      if (isClutter(name)) continue;
      if (entry.isFile()) files.push(name);
      else if (entry.isSymbolicLink()) links.push(follow(name));
      else if (!entry.isDirectory()) this.#skip(path, 'no file');
      else folders.push({ ...folder, name, path, real: join(folder.real, name), isOutside: false });
    }
    await Promise.all(links);
    return {
      folders: folders.sort(byPath),
      files: withoutDescriptions(files.sort()),
    };
  }

  /** @returns the target of a link in a folder, unless it is skipped */
  async #follow(folder: Folder, name: string): Promise<Folder | 'file' | undefined> {
    const path = join(folder.path, name);
    const skip = (why: Skipped['why']) => this.#skip(path, why);
    const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => cause);
    if (typeof real !== 'string') {
      const why = { ELOOP: 'cycle', EACCES: 'unreadable' } as const;
      return void skip(why[real.code as keyof typeof why] ?? 'broken link');
    }
    const target = await stat(real).catch(() => undefined);
    if (!target) return void skip('unreadable');
    const isInside = isWithin(this.root.real, real) || isWithin(folder.bound, real);
    if (target.isDirectory()) {
      if (isWithin(real, folder.real) || isWithin(real, this.root.real)) return void skip('cycle');
      if (isInside) return { ...folder, name, path, real, isOutside: false };
      if (target.dev !== this.#device) return void skip('other file system');
      return { name, path, real, bound: real, isOutside: true };
    }
    if (!isInside) return void skip('outside');
    if (!target.isFile()) return void skip('no file');
    return 'file';
  }
}

const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);

/** Whether a path is a folder or in it. Both paths are without links. */
function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function whyNoFolder(path: string): Promise<string> {
  const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => cause);
  if (!('isFile' in stats)) {
    return stats.code === 'ENOENT' || stats.code === 'ENOTDIR'
      ? 'there is nothing by that name: pass an existing folder, or a data set that the command datasets lists'
      : 'it cannot be read: check its permissions and, if it is a link, its target';
  }
  if (stats.isDirectory()) return 'it cannot be read: check its permissions';
  if (!stats.isFile()) return 'it is neither a folder nor a file';
  return ARCHIVE.test(path)
    ? 'it is an archive: unpack it, and pass the folder'
    : 'it is a file: pass the folder that has a folder of images for each class';
}
