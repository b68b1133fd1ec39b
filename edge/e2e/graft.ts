import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { vi } from 'vitest';

const cli = fileURLToPath(new URL('../../trainer/src/cli/cli.ts', import.meta.url));
const run = promisify(execFile);

/** @returns what a command prints */
export async function graft(...line: readonly string[]): Promise<string> {
  return (await run(process.execPath, [cli, ...line])).stdout;
}

/** Starts a command that serves a page, and ends it when the page has been used. */
export async function withPageOf(
  line: readonly string[],
  use: (url: string) => Promise<void>,
): Promise<void> {
  const child = spawn(process.execPath, [cli, ...line], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let said = '';
  child.stdout.on('data', (data) => {
    said += data;
  });
  try {
    await use(await vi.waitUntil(() => / is at (http\S+) /.exec(said)?.[1], 50_000));
  } finally {
    child.kill('SIGINT');
    await closed;
  }
}
