import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { usePhotoTree } from '../../../fixtures/photo-tree.ts';
import { readCategories } from './category-file.ts';
import { FolderReader } from './folder-reader.ts';

const tree = usePhotoTree();

async function read(content: string) {
  await writeFile(join(tree.root, 'categories_365.txt'), content);
  return readCategories(await FolderReader.open(tree.root));
}

test.each([
  ['Places365', '/a/airfield 0\n/f/forest/broadleaf 1\n', ['airfield', 'forest/broadleaf']],
  ['lines of Windows', '/a/airfield 0\r\n\r\n/b/barn 1\r\n', ['airfield', 'barn']],
  ['tabs, and no slashes', 'airfield\t0\nzen garden \t 1', ['airfield', 'zen garden']],
  ['names in two forms of Unicode', 'cafe\u0301 0\n', ['caf\u00e9']],
])('reads %s', async (_, content, labels) => {
  expect((await read(content))?.map(({ label }) => label)).toEqual(labels);
});

test('says where the images may be', async () => {
  const [first] = (await read('/f/forest/broadleaf 0')) ?? [];
  expect(first?.folders).toEqual(['f/forest/broadleaf', 'forest/broadleaf', 'forest-broadleaf']);
});

test.each([
  ['a number out of turn', '/a/airfield 0\n/b/barn 2', /line 2 .* the number 1, .* \/b\/barn 2\.$/],
  ['a category twice', '/a/airfield 0\n/b/airfield 1', /line 2 of .* a new category/],
  ['a folder elsewhere', '/../etc 0', /line 1 /],
  ['an absolute path', '//etc 0', /line 1 /],
  ['a number alone', '0', /line 1 /],
  ['a number with a sign', '/a/airfield +0', /line 1 /],
  ['an escape', '\u001b[2J', /but it is \\u001b\[2J\.$/],
  ['a line without end', `/a/${' x'.repeat(2_000_000)}`, /but it is \/a\/ .{70,80}…\.$/],
  ['a line of gaps', `/a/${' '.repeat(2_000_000)}x`, /line 1 .{150,300}…\.$/],
  ['a line of slashes', `${'/'.repeat(2_000_000)} 0`, /line 1 /],
  [
    'more than it could need',
    'x'.repeat(11_000_000),
    /at most 10 MB of categories in .* rename it/,
  ],
])('refuses %s, at once', async (_, content, message) => {
  await expect(read(content)).rejects.toThrow(message);
});

test.each([
  ['a folder', 'categories.txt/cat/1.jpg'],
  ['a hidden file', '.categories.txt'],
  ['another file', 'my-categories.txt'],
])('knows none of %s', async (_, path) => {
  await tree.put(path);
  expect(await readCategories(await FolderReader.open(tree.root))).toBeUndefined();
});
