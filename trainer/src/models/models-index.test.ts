import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { tinyCard } from '../../fixtures/tiny-card.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { findModel } from '../commands/options/find-model.ts';
import type { GraphModel } from '../export/graph-builder.ts';
import { toGraphModel } from '../export/graph-model.ts';
import { writeModelDirectory } from '../export/write-model-directory.ts';
import { fusePlan } from '../plan/fuse.ts';
import { promoteVersion, rollBack } from './models-index.ts';

let model: GraphModel;
let models: string;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  model = await toGraphModel(fusePlan(buildTinyNetwork()), TINY_SIZE, 'uint8');
});
beforeEach(async () => {
  const folder = await temporaryFolder();
  models = folder;
});

async function write(title: string, isCandidate = false, id = 'pets'): Promise<string> {
  const to = join(models, id);
  const written = await writeModelDirectory(to, model, { ...tinyCard, id, title }, isCandidate);
  return basename(written.directory);
}

const index = async () => JSON.parse(await readFile(join(models, 'index.json'), 'utf8'));
const versionOf = (directory: string) => directory.split('@')[1] as string;
const currentModel = async () => basename(await findModel(models, 'pets'));
const ALL = { share: 1, shadow: false };

test('a candidate is written beside the model, which stays the current one', async () => {
  await write('first');
  await write('birds', false, 'birds');
  const candidate = await write('second', true);
  expect(candidate).toMatch(/^pets@[0-9a-f]{12}$/);
  expect(await index()).toEqual({ default: 'pets', models: ['pets', 'birds', candidate] });
  expect((await readdir(models)).sort()).toEqual(['birds', 'index.json', 'pets', candidate]);
  expect(await currentModel()).toBe('pets');
  // The same content again is the same version.
  expect(await write('second', true)).toBe(candidate);
  expect((await index()).models).toEqual(['pets', 'birds', candidate]);
});

test('promotes a version, which is found under the id from then on, and rolls back', async () => {
  await write('first');
  const second = await write('second', true);
  const third = await write('third', true);
  await promoteVersion(models, second, ALL);
  const { current, former } = await promoteVersion(models, third, ALL);
  expect([current.directory, former.directory]).toEqual([third, second]);
  expect(await index()).toEqual({ default: 'pets', models: [third, second, 'pets'] });
  expect(await currentModel()).toBe(third);
  expect(basename(await findModel(models, second))).toBe(second);

  await rollBack(models, 'pets');
  expect((await index()).models).toEqual([second, 'pets', third]);
  await rollBack(models, 'pets');
  expect((await index()).models).toEqual(['pets', third, second]);
  await rollBack(models, third);
  expect((await index()).models).toEqual([third, second, 'pets']);
});

test('finds the model without a version in its name by its version', async () => {
  await write('first');
  const second = await write('second', true);
  const { former } = await promoteVersion(models, second, ALL);
  await promoteVersion(models, `pets@${former.version}`, ALL);
  expect((await index()).models).toEqual(['pets', second]);
  expect(basename(await findModel(models, `pets@${former.version}`))).toBe('pets');
});

test('tries a version on a share of the clients until it is promoted or taken back', async () => {
  await write('first');
  const second = await write('second', true);
  const version = versionOf(second);
  const { current } = await promoteVersion(models, second, { share: 0.1, shadow: false });
  expect(current.directory).toBe('pets');
  const listed = { default: 'pets', models: ['pets', second] };
  expect(await index()).toEqual({ ...listed, candidates: { pets: { version, share: 0.1 } } });
  expect(await currentModel()).toBe('pets');

  await promoteVersion(models, second, { share: 1, shadow: true });
  const shadowed = { pets: { version, share: 1, shadow: true } };
  expect(await index()).toEqual({ ...listed, candidates: shadowed });

  const { former } = await rollBack(models, 'pets');
  expect(former?.directory).toBe(second);
  expect(await index()).toEqual(listed);

  await promoteVersion(models, second, { share: 0.5, shadow: false });
  await promoteVersion(models, second, ALL);
  expect(await index()).toEqual({ default: 'pets', models: [second, 'pets'] });
});

test('a training without --candidate is served, and the other versions stay', async () => {
  await write('first');
  const second = await write('second', true);
  await promoteVersion(models, second, ALL);
  await write('third');
  expect((await index()).models).toEqual(['pets', second]);
});

test('a version whose content changes gets another name in the same place', async () => {
  await write('first');
  const second = await write('second', true);
  await write('birds', false, 'birds');
  await promoteVersion(models, second, { share: 0.1, shadow: false });
  const changed = { ...tinyCard, title: 'refitted' };
  const { directory } = await writeModelDirectory(join(models, second), model, changed);
  const name = basename(directory);
  expect(name).not.toBe(second);
  expect(await index()).toEqual({
    default: 'pets',
    models: ['pets', name, 'birds'],
    candidates: { pets: { version: versionOf(name), share: 0.1 } },
  });
  expect((await readdir(models)).sort()).toEqual(['birds', 'index.json', 'pets', name]);
});

test('a default that names a version follows the promotion', async () => {
  await write('first');
  const second = await write('second', true);
  const listed = await index();
  const pinned = JSON.stringify({ ...listed, default: second });
  await writeFile(join(models, 'index.json'), pinned);
  await rollBack(models, 'pets');
  expect(await index()).toEqual({ default: 'pets', models: [second, 'pets'] });
});

test('says what was expected where there is no such version', async () => {
  await expect(promoteVersion(models, 'pets@0', ALL)).rejects.toThrow('Expected index.json');
  await write('first');
  const one = await promoteVersion(models, 'pets@0', ALL).catch((error: Error) => error.message);
  expect(one).toMatch(
    /^Expected a version, pets@…, but got pets version 0: there is [0-9a-f]{12}, of which the first is the current one\.$/,
  );
  await expect(promoteVersion(models, 'pets', ALL)).rejects.toThrow('without a version');
  await expect(promoteVersion(models, 'birds@0', ALL)).rejects.toThrow(
    `There is no model birds in ${models}: there are pets.`,
  );
  await expect(rollBack(models, 'pets')).rejects.toThrow('Expected a version of pets to return to');
  const second = await write('second', true);
  await promoteVersion(models, second, ALL);
  await expect(promoteVersion(models, second, { share: 0.1, shadow: false })).rejects.toThrow(
    'which is the current one already',
  );
});
