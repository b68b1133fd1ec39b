import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those on the way to it. Node's own way of doing so has no end where a system refuses
 * with ENOENT what its parent exists for, as Linux does in /proc.
 *
 * @throws Error of the system
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (await isFolder(path)) return;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (!(await isFolder(dirname(path)))) await makeFolder(dirname(path));
    await mkdir(path).catch(async (cause: unknown) => {
      // Another one may have made it meanwhile.
      if (!(await isFolder(path))) throw cause;
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
