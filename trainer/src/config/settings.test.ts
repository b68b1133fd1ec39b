import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { findSettings } from '../files/project.ts';
import { fast } from './fast.ts';
import { applySettings, readSettings } from './settings.ts';

let root: string;
let file: string;
beforeEach(async () => {
  root = await temporaryFolder();
  // Vitest would transform TypeScript in its own way; Node's is in the test of the first hour.
  file = join(root, 'graft.config.mjs');
});

const write = (text: string) => writeFile(file, text);

test('finds the file in the folder and above it', async () => {
  await write('');
  expect(findSettings(join(root, 'photos/cats'))).toBe(file);
  expect(findSettings(join(root, '..', 'graft-nowhere'))).toBeUndefined();
});

test('sets fields of the recipe, also inner ones', async () => {
  await write("export default { id: 'pets', data: './photos', size: 96, stage2: { epochs: 2 } };");
  const settings = await readSettings(file);
  expect(settings).toMatchObject({ id: 'pets', data: './photos', config: undefined });
  if (!settings) throw new Error('There are settings.');
  const expected = { ...fast, size: 96, stage2: { ...fast.stage2, epochs: 2 } };
  expect(applySettings(fast, settings)).toEqual(expected);
});

test.each([
  ['export default 7;', /to have settings as its default export: write/],
  ['export const size = 96;', /to have settings as its default export/],
  ['export default { id: 7 };', /^Expected a text for id in /],
  ['export default {', /cannot be read: [^\n]*\.$/],
])('refuses %s', async (text, message) => {
  await write(text);
  await expect(readSettings(file)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringMatching(message),
  });
});

test.each([
  ['{ sice: 96 }', /^There is no setting sice, /],
  ['{ stage2: { epoch: 1 } }', /^There is no setting stage2\.epoch, /],
  ['{ size: 7 }', /^Expected another value for size in /],
  ['{ stage1: 7 }', /^Expected another value for stage1 in /],
])('refuses the fields %s', async (text, message) => {
  await write(`export default ${text};`);
  const settings = await readSettings(file);
  if (!settings) throw new Error('There are settings.');
  expect(() => applySettings(fast, settings)).toThrow(message);
});
