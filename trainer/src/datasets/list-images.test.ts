import { join } from 'node:path';
import { expect, test } from 'vitest';
import { usePhotoTree } from '../../fixtures/photo-tree.ts';
import { listImages } from './list-images.ts';

const tree = usePhotoTree();

test('finds the images of a folder at any depth, without clutter', async () => {
  await tree.put(
    'b.png',
    'a/2.jpg',
    'a/1.HEIC',
    'a/notes.txt',
    '.hidden/3.jpg',
    '__MACOSX/a/._1.jpg',
  );
  const root = join(tree.root);
  const names = ['a/1.HEIC', 'a/2.jpg', 'b.png'].map((name) => join(root, name));
  expect(await listImages(root)).toEqual(names);
});

test('takes a file for itself, and refuses a folder without images', async () => {
  await tree.put('a/notes.txt');
  const missing = join(tree.root, 'no-such-file.jpg');
  expect(await listImages(missing)).toEqual([missing]);
  await expect(listImages(join(tree.root, 'a'))).rejects.toThrow(
    /^Expected images in .*a, but there are none\.$/,
  );
});
