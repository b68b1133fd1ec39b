import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/** The beginning of the temporary path, beside `target`, under which this process makes it. */
export function partialPrefix(target: string): string {
  return `${target}.partial.${process.pid}.${hostname()}.`;
}

/** Removes the temporary files of `target` that killed processes have left. */
export async function removeAbandoned(target: string): Promise<void> {
  const prefix = `${basename(target)}.partial.`;
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const path = join(dirname(target), name);
    const [, pid, host] = /^(\d+)\.(.+)\.\w+$/.exec(name.slice(prefix.length)) ?? [];
    // Machines may share a home folder, and a process id means something on its own machine only.
    const abandoned = host === hostname() ? !isRunning(Number(pid)) : await isOld(path);
    if (abandoned) await rm(path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process runs, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function isOld(path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  return entry !== undefined && Date.now() - entry.mtimeMs > ABANDONED_AFTER_MS;
}
