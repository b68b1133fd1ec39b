import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../shared/test/folders/temporary-folder.ts';
import { configFields } from '../trainer/src/config/config-fields.ts';
import { configs } from '../trainer/src/config/registry.ts';
import { sections } from './.vitepress/config.ts';
import { checked } from './command-checks.ts';
import { commandsOf, docs, pages, root, sitePages } from './documented-commands.ts';
import { measuredPages, measuredTables, withTables } from './write-benchmarks.ts';
import { configurationFile, configurationPage } from './write-configuration.ts';

const textOf = (file: string) => readFile(join(root, file), 'utf8');

test('the site builds, and no link between its pages is dead', async () => {
  const output = await temporaryFolder();
  const vitepress = join(docs, 'node_modules/vitepress/bin/vitepress.js');
  await promisify(execFile)(process.execPath, [vitepress, 'build', docs, '--outDir', output]);
  expect(await readdir(output)).toContain('getting-started.html');
});

test('the sidebar has every page', () => {
  const listed = Object.values(sections).flatMap(Object.keys);
  const pages = sitePages.map((page) => page.replace(/\.md$/, ''));
  expect(listed.toSorted()).toEqual(pages.filter((page) => page !== 'index').toSorted());
});

test('the page on configuration is that of the schema, with all that a field needs', async () => {
  const written = await readFile(configurationFile, 'utf8');
  expect(written, 'pnpm --filter docs configuration').toBe(configurationPage());
  for (const { path } of configFields) {
    const [row] = written.match(new RegExp(`^\\| \`${path}\` \\|.*$`, 'm')) ?? [''];
    const cells = row.split(/(?<!\\)\|/).slice(1, -1);
    // Field, description, range, and the value in each recipe.
    expect({ path, cells: cells.length, empty: cells.filter((text) => !text.trim()) }).toEqual({
      path,
      cells: 3 + Object.keys(configs).length,
      empty: [],
    });
  }
});

test.each(measuredPages)('the tables of %s are those of the recorded runs', async (page) => {
  const written = await readFile(page, 'utf8');
  expect(written).toContain('<!-- measured: ');
  expect(written, 'pnpm --filter docs benchmarks').toBe(
    withTables(written, await measuredTables()),
  );
});

test('the first page is one page', async () => {
  const readme = await textOf('README.md');
  expect(readme.split('\n').length).toBeLessThanOrEqual(121);
  expect(readme.split(/\s+/).length).toBeLessThanOrEqual(900);
});

test.each(pages)('the files that %s links to are there', async (file) => {
  const links = (await textOf(file)).matchAll(/\]\((?!https?:|#|\/)([^)#\s]+)/g);
  const known = (
    await promisify(execFile)('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root })
  ).stdout.split('\n');
  const missing = [...links]
    .map(([, link = '']) => join(file, '..', link))
    .filter((path) => !known.includes(path));
  expect(missing).toEqual([]);
});

test('every command has a check, and no check is left over', async () => {
  const documented = (await Promise.all(pages.map(commandsOf))).flat();
  expect(
    [...new Set(documented)].toSorted(),
    'docs/command-checks.ts says how each documented command is checked',
  ).toEqual(checked.toSorted());
});
