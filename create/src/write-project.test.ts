import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { extras, readExtraConfig } from '../../edge/deploy/extras-config.ts';
import { temporaryFolder } from '../../shared/test/folders/temporary-folder.ts';
import { problemWith, writeProject } from './write-project.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let root: string;
beforeEach(async () => {
  root = await temporaryFolder();
});

/** JSON with comments on lines of their own. */
async function readJsonc(path: string): Promise<Record<string, unknown>> {
  const text = (await readFile(path, 'utf8')).replace(/^\s*\/\/.*$/gm, '');
  return JSON.parse(text) as Record<string, unknown>;
}

test('writes a project under its own name', async () => {
  const folder = join(root, 'deep', 'tomatoes');
  expect(await problemWith(folder)).toBeUndefined();
  await writeProject(folder);
  const names = ['.gitignore', '.npmrc', 'README.md', 'graft.config.ts', 'package.json', 'photos'];
  const rest = ['public', 'src', 'tsconfig.json', 'wrangler.jsonc'];
  expect((await readdir(folder)).toSorted()).toEqual([...names, ...rest]);
  expect(await readdir(join(folder, 'public'))).not.toContain('models');
  expect(await readdir(join(folder, 'public/page'))).toContain('main.js');
  const manifest = await readJsonc(join(folder, 'package.json'));
  const { version } = await readJsonc(join(repository, 'trainer/package.json'));
  expect(manifest).toMatchObject({
    name: 'tomatoes',
    dependencies: { '@graftjs/edge': `^${version}` },
    devDependencies: { '@graftjs/trainer': `^${version}` },
  });
  expect(await readJsonc(join(folder, 'wrangler.jsonc'))).toMatchObject({ name: 'tomatoes' });
  expect(await readFile(join(folder, 'graft.config.ts'), 'utf8')).toContain("id: 'tomatoes'");
});

test("deploys what the repository's Worker deploys, and needs no help of wrangler for it", async () => {
  const { alias, define, ...ours } = await readJsonc(join(repository, 'edge/wrangler.jsonc'));
  expect([alias, define]).not.toContain(undefined);
  const theirs = await readJsonc(join(repository, 'create/template/wrangler.jsonc'));
  expect(theirs).toEqual({ ...ours, name: 'my-classifier' });
});

test.each(extras)('deploys the same %s, under names of its own', async (extra) => {
  const ours = readExtraConfig(join(repository, 'edge/wrangler.jsonc'), extra);
  await writeProject(join(root, 'tomatoes'));
  const theirs = readExtraConfig(join(root, 'tomatoes/wrangler.jsonc'), extra);
  const named = JSON.stringify(ours).replaceAll(`graft-${extra}`, `tomatoes-${extra}`);
  expect(theirs).toEqual(JSON.parse(named));
});

test('asks for the versions that the packages were tested with', async () => {
  const edge = await readJsonc(join(repository, 'edge/package.json'));
  const { wrangler, hono } = edge['devDependencies'] as Record<string, string>;
  const wanted = { wrangler: `^${wrangler}`, hono: `^${hono}` };
  expect(edge['peerDependencies']).toEqual(wanted);
  expect(await readJsonc(join(repository, 'create/template/package.json'))).toMatchObject({
    dependencies: { hono: wanted.hono },
    devDependencies: { wrangler: wanted.wrangler },
  });
  const packages = ['shared', 'trainer', 'edge', 'create'];
  const versions = packages.map(async (name) => {
    return (await readJsonc(join(repository, name, 'package.json')))['version'];
  });
  expect(new Set(await Promise.all(versions)).size).toBe(1);
});

test('refuses a folder with something in it, and a name that is none', async () => {
  await mkdir(join(root, 'full'));
  await writeFile(join(root, 'full/notes.txt'), '');
  expect(await problemWith(join(root, 'full'))).toBe(
    `Expected a new or an empty folder, but ${join(root, 'full')} has notes.txt in it: choose another name.`,
  );
  await mkdir(join(root, 'cloned/.git'), { recursive: true });
  expect(await problemWith(join(root, 'cloned'))).toBeUndefined();
  expect(await problemWith(join(root, 'full/notes.txt'))).toMatch(/^Expected a name of/);
  for (const name of ['My Photos', '-cats', 'a'.repeat(55)]) {
    expect(await problemWith(join(root, name))).toMatch(/, but got /);
  }
});
