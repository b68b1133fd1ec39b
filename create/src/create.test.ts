import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type IPty, spawn } from '@lydell/node-pty';
import { beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../shared/test/folders/temporary-folder.ts';

const create = fileURLToPath(new URL('create.ts', import.meta.url));
const ENTER = '\r';
const CTRL_C = '\u0003';

let root: string;
beforeEach(async () => {
  root = await temporaryFolder();
});

/** `npm create` on a terminal of 80 columns. */
class Terminal {
  readonly #pty: IPty;
  readonly #exitCode: Promise<number>;
  #shown = '';

  constructor(...args: string[]) {
    const { CI: _, ...env } = process.env;
    this.#pty = spawn(process.execPath, [create, ...args], { cols: 80, rows: 24, cwd: root, env });
    this.#pty.onData((text) => {
      this.#shown += text;
    });
    this.#exitCode = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => resolve(exitCode));
    });
  }

  /** Waits for a question, and types the answer. */
  async answer(question: string, keys: string): Promise<void> {
    await expect.poll(() => this.#shown, { timeout: 30_000 }).toContain(question);
    this.#pty.write(keys);
  }

  async end(): Promise<{ code: number; shown: string }> {
    return { code: await this.#exitCode, shown: this.#shown };
  }
}

test('asks what the classifier is called, and whether to install', async () => {
  const terminal = new Terminal();
  await terminal.answer('What is your classifier called?', `tomatoes${ENTER}`);
  await terminal.answer('Install what it needs with', 'n');
  const { code, shown } = await terminal.end();
  expect({ code, shown }).toMatchObject({ code: 0, shown: expect.stringContaining('cd tomatoes') });
  expect(shown).toContain('Created tomatoes.');
  expect(await readdir(root)).toEqual(['tomatoes']);
  expect(existsSync(join(root, 'tomatoes/node_modules'))).toBe(false);
});

test('suggests a name, which Enter takes', async () => {
  const terminal = new Terminal();
  await terminal.answer('What is your classifier called?', ENTER);
  await terminal.answer('Install what it needs with', 'n');
  expect((await terminal.end()).code).toBe(0);
  expect(await readdir(root)).toEqual(['my-classifier']);
});

test('does not ask for a name that is given', async () => {
  const terminal = new Terminal('peppers');
  await terminal.answer('Install what it needs with', 'n');
  const { code, shown } = await terminal.end();
  expect(code).toBe(0);
  expect(shown).not.toContain('What is your classifier called?');
  expect(await readdir(root)).toEqual(['peppers']);
});

test.each([
  ['What is your classifier called?', []],
  ['Install what it needs with', ['tomatoes']],
])('writes nothing where "%s" is left with Ctrl-C', async (question, args) => {
  const terminal = new Terminal(...args);
  await terminal.answer(question, CTRL_C);
  const { code, shown } = await terminal.end();
  expect({ code, files: await readdir(root) }).toEqual({ code: 130, files: [] });
  expect(shown).toContain('Nothing was written.');
});
