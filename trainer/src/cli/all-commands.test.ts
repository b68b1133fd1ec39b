import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { useCommandFolder } from '../../fixtures/commands/command-folder.ts';
import type { Command, Option } from '../commands/options/command.ts';
import { configFields } from '../config/config-fields.ts';
import { fast } from '../config/fast.ts';
import { allCommands } from './all-commands.ts';
import { commandHelp, programHelp } from './help.ts';
import { runCommand } from './run-command.ts';
import { optionNames } from './usage-errors.ts';

const here = useCommandFolder('file.weights.h5');

const helpOf = (command: Command, all: boolean, columns: number) =>
  commandHelp(command, { all, config: fast }, { columns, hasColors: false });

test.each([80, 100])('says what there is in 40 lines of %i letters', (columns) => {
  const texts = [
    programHelp({ columns, hasColors: false }),
    ...allCommands.map((command) => helpOf(command, false, columns)),
  ];
  for (const text of texts) {
    const lines = text.split('\n');
    expect(lines.length, text).toBeLessThanOrEqual(40);
    expect(Math.max(...lines.map((line) => line.length)), text).toBeLessThanOrEqual(columns);
  }
});

const commands = allCommands.map((command) => [command.name, command] as const);

test.each(commands)('%s documents every option, what it takes and its default', (_, command) => {
  const short = helpOf(command, false, 100);
  const all = helpOf(command, true, 100).replace(/\s+/g, ' ');
  for (const [name, { value, about, default: taken, otherwise }] of Object.entries(
    command.options,
  )) {
    expect(short).toContain(`--${value ? `${name} ${value}` : name} `);
    expect(all).toContain(about);
    const unset = otherwise ?? taken;
    if (unset !== undefined) expect(all).toContain(`(default: ${unset})`);
  }
  for (const { path, description } of command.fields ? configFields : []) {
    expect(all).toContain(`--${path} <`);
    expect(all).toContain(description);
  }
  // And it takes nothing that is not there.
  const documented = [...helpOf(command, true, 100).matchAll(/^ {2}--(\S+)/gm)].map(([, n]) => n);
  const names = optionNames(command).filter((name) => !name.startsWith('help'));
  expect(new Set(documented)).toEqual(new Set(names));
});

test.each(commands)('%s has three examples that work', async (name, command) => {
  expect(command.examples).toHaveLength(3);
  for (const [typed] of command.examples) {
    await here.callOf(typed.split(' '));
  }
  expect(command.examples.some(([typed]) => typed.split(' ')[0] === name)).toBe(true);
});

/** A text that an option takes, and what it then stands for. */
function sampleOf(option: Option): [text: string, value: unknown] {
  const [choice] = option.choices ?? [];
  if (choice !== undefined) return [choice, choice];
  switch (option.value) {
    case '<folder>':
      return ['photos', join(here.path, 'photos')];
    case '<file>':
      return ['file.weights.h5', join(here.path, 'file.weights.h5')];
    case '<share>':
      return ['0.9', 0.9];
    case '<n>':
    case '<pixels>':
      return ['64', 64];
    case '<field=values>':
      return ['size=64,96', ['size=64,96']];
    case '<layer>':
    case '<layers>':
      return ['-3', -3];
    default:
      return ['a-name', 'a-name'];
  }
}

test.each(commands)('%s is reached by every option that it documents', async (name, command) => {
  for (const [key, option] of Object.entries(command.options)) {
    if (option.value === undefined) {
      expect((await here.callOf([name, `--${key}`])).values[key]).toBe(true);
      expect((await here.callOf([name])).values[key]).toBe(false);
      continue;
    }
    const [text, value] = sampleOf(option);
    expect((await here.callOf([name, `--${key}=${text}`])).values[key]).toEqual(value);
    if (!text.startsWith('-')) {
      expect((await here.callOf([name, `--${key}`, text])).values[key]).toEqual(value);
    }
  }
  for (const { path } of command.fields ? configFields : []) {
    const { fields } = await here.callOf([name, `--${path}=x`]);
    expect(fields).toEqual({ [path]: 'x' });
  }
});

test('hands all that is typed to the program that takes it', async () => {
  for (const name of ['dev', 'deploy']) {
    const { typed } = await here.callOf([name, '--port', '8000', '--env=x', '--', 'y']);
    expect(typed).toEqual(['--port', '8000', '--env=x', '--', 'y']);
  }
});

test('has every command in its page of docs, whose command lines work', async () => {
  const path = fileURLToPath(new URL('../../../docs/commands.md', import.meta.url));
  const page = await readFile(path, 'utf8');
  for (const { name } of allCommands) expect(page).toContain(`\`graft ${name}\``);
  const lines = [...page.matchAll(/^(?:npx -y pnpm@10 )?graft(?: (\S.*?))?(?: {2,}#.*)?$/gm)];
  expect(lines.length).toBeGreaterThan(5);
  for (const [, typed = ''] of lines) {
    const args = typed.split(' ').filter(Boolean);
    const command = allCommands.find((one) => one.name === args[0]);
    if (command && !typed.includes('--help')) await here.callOf(args);
    else if (args[0] !== 'completion') {
      const code = await runCommand(args, { out: () => {}, err: () => {} });
      expect({ typed, code }).toEqual({ typed, code: 0 });
    }
  }
});
