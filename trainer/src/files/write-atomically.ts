import { appendFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TrainerError } from '../errors.ts';
import { makeFolder } from './make-folder.ts';
import { partialPrefix, removeAbandoned } from './partial-paths.ts';

/**
 * Writes a file completely or not at all: writes a temporary file beside it, flushes it to disk,
 * then renames it over the old one.
 *
 * @param content the whole content, or its parts in order
 * @throws TrainerError `disk_full`, `not_writable`
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  const temporary = `${partialPrefix(path)}new`;
  await cleaningUp(path, temporary, async () => {
    await makeFolder(dirname(path));
    await removeAbandoned(path);
    await writeAndFlush(temporary, content);
    await rename(temporary, path);
  });
}

/**
 * Replaces a directory of files completely or not at all. Only a kill between the two renames
 * leaves neither the old nor the new one, so use it for what can be made again.
 *
 * @throws TrainerError `disk_full`, `not_writable`
 */
export async function replaceDirectory(
  path: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const temporary = `${partialPrefix(path)}new`;
  const old = `${partialPrefix(path)}old`;
  await cleaningUp(path, temporary, async () => {
    await makeFolder(dirname(path));
    await removeAbandoned(path);
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    for (const [name, content] of Object.entries(files)) {
      await writeAndFlush(join(temporary, name), content);
    }
    // A directory cannot be renamed over another, so the old one steps aside.
    await rename(path, old).catch(ignoreMissing);
    await rename(temporary, path);
  });
  await rm(old, { recursive: true, force: true });
}

/**
 * Adds a line to a file.
 *
 * @throws TrainerError `disk_full`, `not_writable`
 */
export async function appendLine(path: string, line: string): Promise<void> {
  await appendFile(path, `${line}\n`).catch((cause: unknown) => {
    throw writingFailed(path, cause);
  });
}

async function cleaningUp(
  path: string,
  temporary: string,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw writingFailed(path, cause);
  }
}

/** Why a path cannot be written, by the code of the system's error. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'you have no permission to write there',
  EPERM: 'you have no permission to write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'there is a file, not a folder',
  EISDIR: 'there is a folder of that name',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'it is a link that leads back to itself',
  ENOENT: 'the folder is gone, or it is a link that leads nowhere',
  EFBIG: 'the file would be larger than the system allows',
  EMFILE: 'too many files are open',
  EIO: 'the disk has an error',
  ENXIO: 'it is a device, not a file',
  EINVAL: 'the name is not allowed for a file',
};

/** Turns a system error into a TrainerError `disk_full` or `not_writable`, and returns any other error as it is. */
export function writingFailed(path: string, cause: unknown): unknown {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const full = code === 'EDQUOT' ? 'Your disk quota is exhausted' : 'The disk is full';
    return new TrainerError(
      'disk_full',
      `${full}: ${path} was not written. Free some space and run the same command again.`,
      cause,
    );
  }
  const reason = REASONS[code];
  if (reason === undefined) return cause;
  return new TrainerError(
    'not_writable',
    `Expected to write ${path}, but ${reason}: choose another place.`,
    cause,
  );
}

async function writeAndFlush(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
