import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

const abandonedAfterMs = 24 * 60 * 60 * 1000;

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
  await mkdir(dirname(target), { recursive: true });
  await removeAbandoned(target);

  const folder = await mkdtemp(`${target}.partial.${process.pid}.${hostname()}.`);
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

async function removeAbandoned(target: string): Promise<void> {
  const prefix = `${basename(target)}.partial.`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(dirname(target), name);
    const [, pid, host] = /^(\d+)\.(.+)\.\w{6}$/.exec(name.slice(prefix.length)) ?? [];
    // A home folder may be shared by machines, and one's process ids say nothing about another's.
    const abandoned = host === hostname() ? !isRunning(Number(pid)) : await isOld(folder);
    if (abandoned) await rm(folder, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function isOld(folder: string): Promise<boolean> {
  const entry = await stat(folder).catch(() => undefined);
  return entry !== undefined && Date.now() - entry.mtimeMs > abandonedAfterMs;
}
