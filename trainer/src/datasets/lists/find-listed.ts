import { basename, parse, posix, relative, resolve } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { listNames } from '../../files/list-names.ts';
import { printable } from '../../printable.ts';
import { isImageName } from '../folders/is-clutter.ts';

/** A path from the root of a disk, of Windows or another system, or an address. */
const ABSOLUTE = /^(?:[a-z]:)?[\\/]|^\w+:\/\//i;

/** The path of a file from a folder, however its separators and its letters are encoded. */
export function pathFrom(folder: string, file: string): string {
  return relative(folder, resolve(folder, file.replaceAll('\\', '/'))).normalize('NFC');
}

/**
 * Finds the files of a folder that a list names: by their paths from there or from the folder above, or else an image
 * by the end of its path, `1.jpg` or `1` for `photos/1.jpg`, in any case, or by a path on the disk where the list was
 * written, `C:\me\photos\1.jpg`.
 *
 * @param paths of the files
 * @returns the path of the file that a name means, undefined where there is none. It throws TrainerError
 *   `dataset_invalid` where a name may mean several images, or a second name the same image by its end.
 */
export function finderOf(
  folder: string,
  paths: readonly string[],
): (name: string) => string | undefined {
  const byPath = new Map(paths.map((path) => [pathFrom(folder, path), path]));
  const images = [...byPath.keys()].filter((path) => isImageName(basename(path)));
  const byName = Map.groupBy(
    images.flatMap((path) =>
      [...new Set([path, withoutExtension(path)])].map((end) => ({ end: end.toLowerCase(), path })),
    ),
    ({ end }) => basename(end),
  );
  const refuse = (what: string) => new TrainerError('dataset_invalid', `Expected one ${what}`);
  const findByEnd = (name: string): string | undefined => {
    const sought = posix.normalize(name.normalize('NFC').replaceAll(/[\\/]+/g, '/')).toLowerCase();
    const alike = byName.get(basename(sought)) ?? [];
    const below = alike.filter(({ end }) => isEndOf(sought, end));
    const above = ABSOLUTE.test(name) ? alike.filter(({ end }) => isEndOf(end, sought)) : [];
    // Of /home/me/a/1.jpg rather a/1.jpg than 1.jpg.
    const longest = Math.max(...above.map(({ end }) => end.length));
    const fitting = below.length > 0 ? below : above.filter(({ end }) => end.length === longest);
    if (fitting.length < 2) return fitting[0]?.path;
    const places = listNames(
      fitting.map(({ path }) => printable(path)),
      3,
    );
    throw refuse(
      `image ${printable(name)} in ${folder}, but there are several, ${places}: write its folder and its extension, or put the list into the folder.`,
    );
  };
  /** By path, the name that it was found by, and whether by its end alone. */
  const found = new Map<
    string,
    { readonly name: string; readonly own: string; readonly byEnd: boolean }
  >();
  return (name) => {
    const own = pathFrom(folder, name);
    const exact = [own, pathFrom(folder, `../${name}`)].find((path) => byPath.has(path));
    const path = exact ?? findByEnd(name);
    if (path === undefined) return undefined;
    const earlier = found.get(path);
    const byEnd = exact === undefined;
    if (earlier && earlier.own !== own && (byEnd || earlier.byEnd)) {
      throw refuse(
        `name for ${printable(path)} in ${folder}, but ${printable(earlier.name)} and ${printable(name)} both end as it does: put the list where its paths begin.`,
      );
    }
    found.set(path, { name, own, byEnd });
    return byPath.get(path);
  };
}

function withoutExtension(path: string): string {
  const { dir, name } = parse(path);
  return dir === '' ? name : `${dir}/${name}`;
}

/** Whether a path is the end of another, by whole names. */
function isEndOf(path: string, whole: string): boolean {
  return `/${whole}`.endsWith(`/${path}`);
}
