import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TrainerError } from './errors.ts';

/**
 * Writes a whole file or leaves what was there: a temporary file beside it, flushed to disk, then
 * renamed over it.
 *
 * @throws TrainerError `disk_full` when there is no room
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new TrainerError('disk_full', `The disk is full: ${path} was not written. Free some space and run the same command again.`, cause);
    }
    throw cause;
  }
}
