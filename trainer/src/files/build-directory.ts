import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.ts';
import { partialPrefix, removeAbandoned } from './partial-paths.ts';

/**
 * Makes the folder `target` all at once: `build` fills a sibling folder, which
 * is renamed into place when it is done. If `build` fails or is killed, `target`
 * does not exist; what a killed build left is removed by the next one.
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
