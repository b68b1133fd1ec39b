import { lstat, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerError } from '../errors.ts';
import { listNames } from './list-names.ts';
import { makeFolder } from './make-folder.ts';
import { partialPrefix } from './partial-paths.ts';
import { writingFailed } from './write-atomically.ts';

/**
 * Makes a folder, then writes and removes a file in it, so that a folder that cannot be written
 * fails before hours of work, not after them.
 *
 * @throws TrainerError `not_writable`, `disk_full`
 */
export async function prepareFolder(folder: string): Promise<void> {
  const probe = `${partialPrefix(join(folder, 'probe'))}new`;
  try {
    await makeFolder(folder);
    await writeFile(probe, 'x', { flush: true });
  } catch (cause) {
    throw writingFailed(folder, cause);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

/** @throws TrainerError `disk_full` where a folder's disk has less free space */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined);
  // Some network file systems do not tell their size.
  if (!disk || disk.blocks === 0 || disk.bavail * disk.bsize >= bytes) return;
  throw new TrainerError(
    'disk_full',
    `Expected ${megabytes(bytes)} MB of free space on the disk of ${folder}, but there are ${megabytes(disk.bavail * disk.bsize)} MB: free some space, or choose another folder.`,
  );
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}

/** The files of a model, and those that operating systems leave in a folder that somebody has opened. */
const OF_MODEL = /^(model\.json|group\d+-shard\d+of\d+\.bin|\..+|Thumbs\.db|desktop\.ini)$/;

/**
 * Makes sure that a model's folder can be written, and that it holds nothing but an older model,
 * which the new one replaces.
 *
 * @throws TrainerError `not_writable`, `disk_full`
 */
export async function prepareModelFolder(directory: string, models: string): Promise<void> {
  await prepareFolder(models);
  await refuseOtherContent(directory);
}

/**
 * @param own matches the names that are replaced
 * @param options by which another place is chosen
 * @throws TrainerError `not_writable`
 */
export async function refuseOtherContent(
  directory: string,
  own = OF_MODEL,
  options = '--id or --models',
): Promise<void> {
  const stats = await lstat(directory).catch(() => undefined);
  if (!stats) return;
  const names = stats.isDirectory() ? await readdir(directory) : undefined;
  const others = names?.filter((name) => !own.test(name));
  if (others?.length === 0) return;
  const found = others
    ? `the folder holds other files (${listNames(others, 3)})`
    : 'there is a file or a link of that name';
  throw new TrainerError(
    'not_writable',
    `Expected a model or nothing at ${directory}, which the new model replaces, but ${found}: choose another place with ${options}.`,
  );
}
