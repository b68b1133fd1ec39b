import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TrainerError } from '../../errors.ts';

const edge = fileURLToPath(new URL('../../../../edge', import.meta.url));

/**
 * Runs a program of the Worker's package, in its folder and on this terminal.
 *
 * @param program its path in that folder
 * @returns its exit code
 * @throws TrainerError `config_invalid` where the package is not installed
 */
export async function runInEdge(program: string, args: readonly string[]): Promise<number> {
  const path = join(edge, program);
  if (!existsSync(path)) {
    throw new TrainerError(
      'config_invalid',
      `Expected the Worker's package to be installed, but there is no ${path}: run pnpm install.`,
    );
  }
  const child = spawn(process.execPath, [path, ...args], { cwd: edge, stdio: 'inherit' });
  // A terminal sends Ctrl-C to both, and the program ends in its own way; what a supervisor sends
  // comes here only.
  const wait = () => {};
  const stop = () => child.kill('SIGTERM');
  process.on('SIGINT', wait);
  process.on('SIGTERM', stop);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    process.off('SIGINT', wait);
    process.off('SIGTERM', stop);
  }
}
