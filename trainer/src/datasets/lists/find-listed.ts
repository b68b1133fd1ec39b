import { basename, parse, relative, resolve } from 'node:path';
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
 * Finds the files of a folder that a list names: by their paths from there, or else an image in a folder below by the
 * end of its path, `1.jpg` or `1` for `photos/1.jpg`, or by a path on the disk where the list was written,
 * `C:\me\photos\1.jpg`.
 *
 * @param paths of the files
 * @returns the path of the file that a name means, undefined where there is none. It throws TrainerError
 *   `dataset_invalid` where a name may mean several images.
 */
export function finderOf(
  folder: string,
  paths: readonly string[],
): (name: string) => string | undefined {
  const byPath = new Map(paths.map((path) => [pathFrom(folder, path), path]));
  const images = [...byPath.keys()].filter((path) => isImageName(basename(path)));
  const byName = Map.groupBy(
    images.flatMap((path) =>
      [...new Set([path, withoutExtension(path)])].map((end) => ({ end, path })),
    ),
    ({ end }) => basename(end),
  );
  return (name) => {
    const exact = byPath.get(pathFrom(folder, name));
    if (exact !== undefined) return exact;
    const sought = name.normalize('NFC').replaceAll(/[\\/]+/g, '/');
    const alike = byName.get(basename(sought)) ?? [];
    const below = alike.filter(({ end }) => isEndOf(sought, end));
    if (below.length === 0 && ABSOLUTE.test(name)) {
      // The longest that fits: of /home/me/a/1.jpg rather a/1.jpg than 1.jpg.
      const [found] = alike
        .filter(({ end }) => isEndOf(end, sought))
        .sort((a, b) => b.end.length - a.end.length);
      return found && byPath.get(found.path);
    }
    if (below.length > 1) {
      const places = listNames(
        below.map(({ path }) => printable(path)),
        3,
      );
      throw new TrainerError(
        'dataset_invalid',
        `Expected one image ${printable(name)} below ${folder}, but there are several, ${places}: put the list into one of their folders, or write the folder before each name.`,
      );
    }
    return below[0] && byPath.get(below[0].path);
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
