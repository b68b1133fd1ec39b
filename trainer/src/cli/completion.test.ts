import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from '@lydell/node-pty';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';

// As a person has it: an interactive shell on a terminal, and the tab key.

const cli = fileURLToPath(new URL('cli.ts', import.meta.url));
const script = `${process.execPath} ${cli} completion`;
/** What keeps a person's own settings out, and what reads the script. */
const SHELLS = {
  bash: [['--norc', '-i'], `source <(${script} bash)`],
  zsh: [['-f', '-i'], `autoload -Uz compinit && compinit -u -D && source <(${script} zsh)`],
  fish: [['--no-config', '-i'], `${script} fish | source`],
} as const;

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder, 'photos-of-pets'));
  await mkdir(join(folder, 'my own'));
});

/** Types into a new terminal, and waits for what the shell makes of it. */
async function type(shell: keyof typeof SHELLS, keys: string, expected: string): Promise<void> {
  const [args, init] = SHELLS[shell];
  const env = { ...process.env, PS1: '> ', TERM: 'xterm', HOME: folder };
  const terminal = spawn(shell, [...args], { cols: 120, rows: 30, cwd: folder, env });
  let shown = '';
  terminal.onData((text) => (shown += text));
  const exited = new Promise((resolve) => terminal.onExit(resolve));
  try {
    // In two parts, so that the line that is typed is not taken for what it prints.
    terminal.write(`${init}; echo rea''dy\r`.replace('\\r', '\r'));
    await expect.poll(() => shown, { timeout: 60_000 }).toContain('ready');
    shown = '';
    terminal.write(keys);
    await expect.poll(() => plain(shown), { timeout: 60_000 }).toContain(expected);
  } finally {
    terminal.kill('SIGKILL');
    await exited;
  }
}

/** Without colours and moves of the cursor. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
}

function isInstalled(shell: string): boolean {
  // A bash of Windows may be one of Linux, which has other paths.
  if (process.platform === 'win32') return false;
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
}

for (const shell of Object.keys(SHELLS) as (keyof typeof SHELLS)[]) {
  describe.skipIf(!isInstalled(shell))(shell, () => {
    test.each([
      ['graft eval\t', 'evaluate '],
      ['graft evaluate cifar10-f\t', 'cifar10-fast '],
      ['graft train --stage1.sch\t', '--stage1.schedule '],
      ['graft train --config be\t', 'best '],
      ['graft train --config=be\t', '=best '],
      ['graft train --data photos\t', 'photos-of-pets'],
    ])('completes %j', (keys, expected) => type(shell, keys, expected), 180_000);
  });
}

test.skipIf(!isInstalled('bash'))(
  'quotes names for bash',
  () => type('bash', 'graft train --data my\t', String.raw`my\ own`),
  180_000,
);
