import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TrainerError } from '../errors.ts';
import { isClutter, isImageName } from './folders/is-clutter.ts';

/**
 * The images that a path stands for: itself, or those in a folder at any depth, sorted by name. Clutter is left out, and
 * links are not followed.
 *
 * @throws TrainerError `dataset_invalid` for a folder without images
 */
export async function listImages(path: string): Promise<string[]> {
  // A file that is missing is reported by who reads it.
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const images = entries
    .filter((entry) => entry.isFile() && isImageName(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((image) => !relative(path, image).split(/[/\\]/).some(isClutter));
  if (images.length > 0) return images.sort();
  throw new TrainerError('dataset_invalid', `Expected images in ${path}, but there are none.`);
}
