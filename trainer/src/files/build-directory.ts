import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.ts';
import { partialPrefix, removeAbandoned } from './partial-paths.ts';

/**
 * Makes the folder `target` completely or not at all: `build` fills a folder beside it, which is
 * renamed into place when it is complete. If `build` fails or is killed, `target` does not exist;
 * the next build removes what a killed one has left.
 *
 * Two processes may build the same target; the first to finish wins.
 */
export async function buildDirectory(
  target: string,
  build: (folder: string) => Promise<void>,
): Promise<void> {
  await makeFolder(dirname(target));
  await removeAbandoned(target);

  const folder = await mkdtemp(partialPrefix(target));
  try {
    await build(folder);
    await rename(folder, target).catch(async (error: unknown) => {
      const another = await stat(target).catch(() => undefined);
      if (!another?.isDirectory()) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
