import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { configFields } from '../trainer/src/config/config-fields.ts';
import { configs } from '../trainer/src/config/registry.ts';
import { configurationFile, configurationPage } from './write-configuration.ts';

const docs = fileURLToPath(new URL('.', import.meta.url));
const root = join(docs, '..');

const pages = (await readdir(docs, { recursive: true })).filter(
  (file) => file.endsWith('.md') && !file.includes('node_modules'),
);
const textOf = (file: string) => readFile(join(root, file), 'utf8');

test('the site builds, and no link between its pages is dead', async () => {
  const output = await mkdtemp(join(tmpdir(), 'graft-docs-'));
  const vitepress = join(docs, 'node_modules/vitepress/bin/vitepress.js');
  try {
    await promisify(execFile)(process.execPath, [vitepress, 'build', docs, '--outDir', output]);
    expect(await readdir(output)).toContain('getting-started.html');
  } finally {
    await rm(output, { recursive: true });
  }
});

test('the sidebar has every page', async () => {
  const config = await textOf('docs/.vitepress/config.ts');
  const missing = pages.filter(
    (page) => page !== 'index.md' && !config.includes(`link: '/${page.replace(/\.md$/, '')}'`),
  );
  expect(missing).toEqual([]);
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

test('the first page is one page', async () => {
  const readme = await textOf('README.md');
  expect(readme.split('\n').length).toBeLessThanOrEqual(121);
  expect(readme.split(/\s+/).length).toBeLessThanOrEqual(900);
});

test.each(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages.map((page) => `docs/${page}`)])(
  'the files that %s links to are there',
  async (file) => {
    const links = (await textOf(file)).matchAll(/\]\((?!https?:|#|\/)([^)#\s]+)/g);
    const known = (
      await promisify(execFile)('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root })
    ).stdout.split('\n');
    const missing = [...links]
      .map(([, link = '']) => join(file, '..', link))
      .filter((path) => !known.includes(path));
    expect(missing).toEqual([]);
  },
);

/** What the packages' scripts are called, by which commands in the documentation name them. */
test.each(['README.md', 'CONTRIBUTING.md', ...pages.map((page) => `docs/${page}`)])(
  'the scripts that commands in %s name are there',
  async (file) => {
    const text = (await textOf(file)).matchAll(
      /pnpm(?:@10)? (?:--filter (trainer|edge|shared) )?(?:run )?([\w:-]+)/g,
    );
    const unknown: string[] = [];
    for (const [command, name, script = ''] of text) {
      const manifest = JSON.parse(await textOf(name ? `${name}/package.json` : 'package.json'));
      const isKnown =
        script in manifest.scripts || ['exec', 'run', 'filter', 'adds'].includes(script);
      if (!isKnown && (name || command.includes('@10'))) unknown.push(command);
    }
    expect(unknown).toEqual([]);
  },
);
