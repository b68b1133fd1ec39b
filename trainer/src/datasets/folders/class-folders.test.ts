import { expect, test } from 'vitest';
import { usePhotoTree } from '../../../fixtures/photo-tree.ts';

const tree = usePhotoTree();

test('takes a class for one that is called as what says nothing', async () => {
  await tree.put('train/photos/1.jpg', 'train/drawings/2.jpg', 'test/photos/3.jpg');
  expect((await tree.layout()).test).toEqual(['test/photos/3.jpg']);
});

test.each([
  ['train in NFC', 'caf\u00e9', 'cafe\u0301'],
  ['train in NFD', 'A\u030angstro\u0308m', '\u00c5ngstr\u00f6m'],
  ['Hangul', '\uac1c', '\u1100\u1162'],
  ['Vietnamese', 'ch\u00f3', 'cho\u0301'],
])('compares names as they are read: %s', async (_, train, last) => {
  await tree.put(`train/${train}/1.jpg`, 'train/dog/1.jpg', `test/${last}/1.jpg`);
  const found = await tree.layout();
  expect(found.labels).toContain(train.normalize('NFC'));
  expect(found.test).toEqual([`test/${last}/1.jpg`]);
});

test('takes a name that is there in two forms for one class', async () => {
  await tree.put('caf\u00e9/1.jpg', 'cafe\u0301/2.jpg', 'bar/3.jpg');
  const { labels, train, notes } = await tree.layout();
  expect(labels).toEqual(['bar', 'caf\u00e9']);
  expect(train).toHaveLength(3);
  expect(notes[0]).toMatch(/differ only in their Unicode form, .*: 1 \(caf\u00e9\)\.$/);
});

test('says which classes have nearly the same name', async () => {
  await tree.put(
    'Cat/1.jpg',
    'cat/1.jpg',
    'big cat/1.jpg',
    'big_cat/1.jpg',
    'dog./1.jpg',
    '🐶/1.jpg',
  );
  const { labels, notes } = await tree.layout();
  expect(labels).toHaveLength(6);
  expect(notes).toEqual([
    expect.stringMatching(
      /nearly the same name; .*: 2 \("Cat" and "cat", "big cat" and "big_cat"\)\.$/,
    ),
  ]);
});

test('says which folders are empty, and which images are in no class', async () => {
  await tree.putPets('pets');
  await tree.put('pets/bird/', 'pets/docs/readme.md', 'pets/loose.jpg', 'pets/notes.txt');
  expect(await tree.layout({}, 'pets')).toMatchObject({
    labels: ['cat', 'dog'],
    notes: [
      'Left out, since they hold no images: 2 (bird, docs).',
      'Left out, since they are beside the class folders: 1 (loose.jpg).',
    ],
  });
});

test.each([
  ['an override', 'rtl\u202egpj', 'rtl\\u202egpj'],
  ['an escape', '\u001b[31mred', '\\u001b[31mred'],
  ['a newline', 'a\nb', 'a\\u000ab'],
  ['a line separator', 'a\u2028b', 'a\\u2028b'],
  ['what objects have', '__proto__', '__proto__'],
])('gives names with %s to labels as they may be shown', async (_, name, label) => {
  await tree.put(`${name}/1.jpg`, 'dog/1.jpg');
  expect((await tree.layout()).labels).toContain(label);
});
