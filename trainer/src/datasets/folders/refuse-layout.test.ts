import { expect, test } from 'vitest';
import { pets, usePhotoTree } from '../../../fixtures/photo-tree.ts';

const tree = usePhotoTree();

test.each([
  ['parts', ['fold1', 'fold2', 'fold3'], ['cat', 'dog']],
  ['splits in another language', ['entrenamiento', 'prueba'], ['gato', 'perro']],
  ['splits in the classes', ['bottle', 'cable'], ['test', 'train']],
])(
  'asks whether folders with the same folders in them are classes: %s',
  async (_, outer, inner) => {
    await tree.put(...outer.flatMap((a) => inner.map((b) => `${a}/${b}/1.jpg`)));
    await expect(tree.layout()).rejects.toThrow(
      new RegExp(
        `each of ${outer.join(', ')} has the folders ${inner.join(', ')}: .*--folders classes`,
      ),
    );
    expect(await tree.layout({ folders: 'classes' })).toMatchObject({ labels: outer });
  },
);

test('says where folders of other folders are classes', async () => {
  await tree.put('a/airfield/1.jpg', 'a/alley/1.jpg', 'b/barn/1.jpg', 'b/beach/1.jpg');
  expect(await tree.layout()).toMatchObject({
    labels: ['a', 'b'],
    notes: ['Each of a, b is read as one class, including all the folders in it.'],
  });
});

test.each([
  [
    'a class',
    'train/cow/1.jpg',
    /Expected test to have .* but it also has cow: /,
    'test/cow/1.jpg',
  ],
  ['a name in another case', '', /but it has Cat where they have cat: give both/, 'test/Cat/1.jpg'],
  ['a space', '', /but it has dog {2}where they have dog: give both/, 'test/dog /1.jpg'],
])('refuses a split that differs by %s', async (_, __, message, path) => {
  await tree.putPets('train');
  await tree.put(path);
  await expect(tree.layout()).rejects.toThrow(message);
});

test.each([
  [
    'two that train',
    ['train/cat/1.jpg', 'training/cat/1.jpg'],
    /one folder to train on .* but there are train, training: /,
  ],
  [
    'a test only',
    ['test/cat/1.jpg', 'test/dog/1.jpg'],
    /but there is only test: pass .*\/test if /,
  ],
  ['no train', ['test/cat/1.jpg', 'val/cat/1.jpg'], /but there is only test, val: rename one/],
  [
    'splits without classes',
    ['train/cat.0.jpg', 'test1/1.jpg'],
    /train to hold .*, but it has images and no folders .*cat\/1\.jpg\.$/,
  ],
  [
    'images alone',
    ['1.jpg', '2.jpg'],
    /it has images and no folders of images: .* the folder above/,
  ],
  [
    'images with a list',
    ['1.jpg', '2.jpg', 'labels.csv'],
    /it has images and no folders .*, or pass .*\/labels\.csv if it lists their classes\.$/,
  ],
  [
    'images below a list',
    ['train/1.jpg', 'train/2.jpg', 'train.tsv'],
    /train to hold .*, or pass .*\/train\.tsv if it lists their classes\.$/,
  ],
  [
    'archives',
    ['cats.zip', 'dogs.tar.gz'],
    /it has 0, and archives: unpack cats\.zip, dogs\.tar\.gz\.$/,
  ],
  [
    'archives in class folders',
    ['cat/1.jpg', 'dog/dogs.ZIP', 'fox/fox.7z'],
    /it has 1, and archives: unpack dog\/dogs\.ZIP, fox\/fox\.7z\.$/,
  ],
  ['nothing', ['notes.txt'], /two at least, but there are no images in it that can be read\.$/],
  ['one class', ['cat/1.jpg'], /two at least, but it has 1\.$/],
])('refuses %s', async (_, paths, message) => {
  await tree.put(...paths);
  await expect(tree.layout()).rejects.toThrow(message);
});

test.each([
  [
    'unpacked twice',
    ['dataset/dataset/train/cat/1.jpg', 'dataset/dataset/train/dog/1.jpg'],
    'dataset/dataset',
  ],
  ['beside annotations', ['images/cat/1.jpg', 'images/dog/1.jpg', 'annotations/1.xml'], 'images'],
  [
    'an export',
    ['Google Photos/Owl/1.jpg', 'Google Photos/Barn/1.jpg', 'index.html'],
    'Google Photos',
  ],
  ['a zip of macOS', ['pets/cat/1.jpg', 'pets/dog/1.jpg', '__MACOSX/pets/cat/._1.jpg'], 'pets'],
])('reads the folder below where the one above was named: %s', async (_, paths, meant) => {
  await tree.put(...paths);
  for (const purpose of ['training', 'measuring'] as const) {
    const { train, labels, notes } = await tree.layout({ purpose });
    expect(train).toEqual(paths.slice(0, 2).toSorted());
    expect(labels).toHaveLength(2);
    expect(notes[0]).toBe(`Reading ${meant}, the only folder in it that has images.`);
  }
});

test('leaves masks of photos out, and says so', async () => {
  await tree.put('cat/1.jpg', 'cat/1.png', 'cat/2.jpg', 'cat/2.png', 'dog/3.jpg', 'dog/3_mask.png');
  const { train, notes } = await tree.layout();
  expect(train).toEqual(['cat/1.jpg', 'cat/2.jpg', 'dog/3.jpg']);
  expect(notes).toEqual([expect.stringMatching(/ probably their masks: 3 \(cat\/1\.png, /)]);
});

test.each([
  ['one class', ['cat/1.jpg'], { labels: ['cat'], train: ['cat/1.jpg'], test: null }],
  ['a test alone', ['test/cat/1.jpg', 'test/dog/2.jpg'], { train: [], test: pets('test') }],
  [
    'a validation alone',
    ['val/cat/1.jpg', 'val/dog/2.jpg'],
    { train: [], validation: pets('val') },
  ],
])('measures on %s', async (_, paths, found) => {
  await tree.put(...paths);
  expect(await tree.layout({ purpose: 'measuring' })).toMatchObject(found);
});
