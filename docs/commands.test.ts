import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { useCommandFolder } from '../trainer/fixtures/commands/command-folder.ts';
import { inFirstHour, readOnly, scripts } from './command-checks.ts';
import { commandsOf, root } from './documented-commands.ts';
import { understood } from './understood-commands.ts';

// What commands.slow.test.ts does not run.

const here = useCommandFolder('resnet50.h5');

const graftCommands = Object.entries(understood).flatMap(([because, commands]) =>
  commands.map((command) => ({ command, because })),
);

test.for(graftCommands)('$command is understood; it would take $because', async ({ command }) => {
  const line = command
    .replace(/^.*?graft /, '')
    .replace('~', here.path)
    .replace('<file>', 'resnet50.h5');
  await here.callOf(line.split(' '));
});

test.for(scripts)('what %s names is there', async (command) => {
  const [, name] = /--filter (\w+)/.exec(command) ?? [];
  const folder = command.startsWith('npm ') ? 'create/template' : (name ?? '');
  const [script = '', ...args] = command
    .replace(/^(npx -y pnpm@10|pnpm|npm)( --filter \w+)?( run)? /, '')
    .split(' ');
  if (script === 'node' || script === 'exec') {
    const files = args.filter((arg) => arg.includes('/'));
    expect(files).toHaveLength(1);
    const within = script === 'node' ? 'edge' : '';
    for (const file of files) expect(existsSync(join(root, within, file)), file).toBe(true);
    return;
  }
  const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
  expect(Object.keys(manifest.scripts)).toContain(script);
  const [, file] = /^node (\S+)/.exec(manifest.scripts[script]) ?? [];
  if (file) expect(existsSync(join(root, folder, file)), file).toBe(true);
});

test.for(readOnly)('a shell reads %s', async (command) => {
  await promisify(execFile)('bash', ['-n', '-c', command.replace(/<(\w+)>/g, '$1')]);
});

test('the commands of the first hour are those of its page', async () => {
  const [first, ...others] = await Promise.all(
    ['first-hour', 'getting-started', 'own-project'].map((page) => commandsOf(`docs/${page}.md`)),
  );
  expect([...(first ?? []), ...others.flat()]).toEqual(expect.arrayContaining([...inFirstHour]));
});
