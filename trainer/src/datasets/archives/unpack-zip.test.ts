import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { beforeEach, expect, test, vi } from 'vitest';
import { usePhotoTree } from '../../../fixtures/photo-tree.ts';
import { unpackZip } from './unpack-zip.ts';

const tree = usePhotoTree();
beforeEach(() => vi.stubEnv('GRAFT_CACHE', join(tree.root, 'cache')));

async function unpack(files: Zippable) {
  const path = join(tree.root, 'My pets.zip');
  await writeFile(path, zipSync(files));
  return unpackZip(path, { signal: new AbortController().signal });
}
const bytes = (text: string) => new TextEncoder().encode(text);
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

test('unpacks the images of a zip from a phone, once, under its name', async () => {
  const files = {
    'Pets/Käse & Co/IMG 0001 (2).JPG': bytes('one'),
    'Pets/dog/😀.png': bytes('two'),
    'Pets/dog/notes.docx': bytes('no image'),
    'Pets/.DS_Store': bytes('no image'),
    '__MACOSX/Pets/dog/._😀.png': bytes('no image'),
  };
  const folder = await unpack(files);
  expect(basename(folder)).toBe('My pets');
  expect(await filesIn(folder)).toEqual(['Pets/Käse & Co/IMG 0001 (2).JPG', 'Pets/dog/😀.png']);
  expect(await readFile(join(folder, 'Pets/dog/😀.png'), 'utf8')).toBe('two');
  const { ino } = await stat(folder);
  const again = await unpackZip(join(tree.root, 'My pets.zip'), {
    signal: new AbortController().signal,
  });
  expect([again, (await stat(again)).ino]).toEqual([folder, ino]);
  // Another file of that name is another data set.
  expect(await unpack({ 'cat/1.jpg': bytes('other') })).not.toBe(folder);
});

test.each([
  ['leads out of its folder', { 'cat/../../../evil.jpg': bytes('x') }, /relative path/],
  ['has an absolute name', { '/tmp/evil.jpg': bytes('x') }, /absolute path/],
  ['is a bomb', { 'cat/1.bmp': new Uint8Array(150e6) }, /would unpack to 150000000, which images/],
])('refuses a zip that %s, and leaves nothing behind', async (_, files, message) => {
  await expect(unpack(files)).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(message),
  });
  expect(await readdir(join(tree.root, 'cache/unpacked'))).toEqual([]);
});

test('refuses what only has a zip file’s name', async () => {
  const path = join(tree.root, 'photos.zip');
  await writeFile(path, 'PK, but no more');
  await expect(unpackZip(path, { signal: new AbortController().signal })).rejects.toThrow(
    /^Expected a zip file of images in class folders at .*, but it cannot be unpacked: /,
  );
});

test('leaves folders and other files as they are', async () => {
  const options = { signal: new AbortController().signal };
  await tree.put('folder.zip/cat/1.jpg');
  expect(await unpackZip(join(tree.root, 'folder.zip'), options)).toBe(
    join(tree.root, 'folder.zip'),
  );
});
