import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { project } from '../../files/project.ts';

/** The programs of the Worker's package that commands run, and the packages that have them. */
const programs = {
  wrangler: { from: 'wrangler/package.json', path: 'bin/wrangler.js' },
  deploy: { from: '@graftjs/edge/package.json', path: 'dist/deploy.js' },
} as const;

/**
 * Runs a program in the folder of the Worker's configuration, and on this terminal.
 *
 * @returns its exit code
 * @throws TrainerError `config_invalid` where it is not installed
 */
export async function runInProject(
  program: keyof typeof programs,
  args: readonly string[],
): Promise<number> {
  const { folder } = project;
  const child = spawn(process.execPath, [find(program), ...args], {
    cwd: folder,
    stdio: 'inherit',
    // wrangler dev would ask Cloudflare where this machine is, which no code here reads, and print the
    // stack of the error where there is no network.
    env: { CLOUDFLARE_CF_FETCH_ENABLED: 'false', ...process.env },
  });
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

function find(program: keyof typeof programs): string {
  const { folder, isCheckout } = project;
  if (program === 'deploy' && isCheckout) return join(folder, 'deploy/deploy.ts');
  const { from, path } = programs[program];
  try {
    return join(dirname(createRequire(join(folder, 'package.json')).resolve(from)), path);
  } catch (cause) {
    const name = dirname(from);
    throw new TrainerError(
      'config_invalid',
      `Expected ${name} to be installed in ${folder}, but it is not there: run ${project.install}.`,
      cause,
    );
  }
}
