import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pets, usePhotoTree } from '../../../fixtures/photo-tree.ts';

const tree = usePhotoTree();

test.each([
  ['plain words', ['train', 'validation', 'test']],
  ['other words', ['training', 'valid', 'testing']],
  ['any case', ['TRAIN', 'Val', 'Test']],
  ['years', ['train2017', 'val2017', 'test2017']],
  ['a word for what is in them', ['train_images', 'val_images', 'test_images']],
  ['camel case', ['trainSet', 'devSet', 'testSet']],
  ['one word', ['traindata', 'valdata', 'testdata']],
  ['spaces', ['Training Data', 'Evaluation Data', 'Test Data']],
  ['a word of their own before', ['pets-train', 'pets-val', 'pets-test']],
  ['a word of their own after', ['train_pets', 'valid_pets', 'test_pets']],
])('takes folders for splits by %s', async (_, [train = '', validation = '', last = '']) => {
  await tree.putPets(train, validation, last);
  await tree.put('README.txt', 'labels.csv');
  expect(await tree.layout()).toMatchObject({
    labels: ['cat', 'dog'],
    train: pets(train),
    validation: pets(validation),
    test: pets(last),
  });
});

test.each([
  ['the same name', 'training_set/training_set', 'test_set/test_set'],
  ['the split once more', 'seg_train/train', 'seg_test/test'],
  ['a word that says nothing', 'train/images', 'test/data'],
])('finds class folders in a folder of %s', async (_, train, last) => {
  await tree.putPets(train, last);
  expect(await tree.layout()).toMatchObject({ train: pets(train), test: pets(last) });
});

test.each([
  ['train beside other vehicles', ['train', 'bus', 'car'], ['bus', 'car', 'train']],
  ['kinds of trains', ['express_train', 'freight_train', 'tram'], undefined],
  [
    'words that hold such a word',
    ['trainer', 'testudo', 'valley'],
    ['testudo', 'trainer', 'valley'],
  ],
  ['numbers', ['0', '1', '2'], undefined],
  ['a prediction', ['measurement', 'prediction'], undefined],
  ['a test of something', ['blood_test', 'x-ray'], undefined],
])('takes folders for classes: %s', async (_, names, labels = names) => {
  await tree.put(...names.map((name) => `${name}/1.jpg`));
  expect(await tree.layout()).toMatchObject({ labels, validation: null, test: null });
});

test('says that it takes a train for a class', async () => {
  await tree.put('train/1.jpg', 'bus/2.jpg', 'car/3.jpg');
  expect((await tree.layout()).notes).toEqual([
    'train is read as a class, as the folders beside it are; --folders splits changes that.',
  ]);
});

test.each([
  ['class folders beside train', ['train/cat/1.jpg', 'train/dog/1.jpg', 'bus/1.jpg', 'car/1.jpg']],
  ['a test beside classes', ['apple/1.jpg', 'pear/1.jpg', 'test/1.jpg']],
  ['splits beside classes, all flat', ['train/1.jpg', 'test/1.jpg', 'bus/1.jpg', 'car/1.jpg']],
  ['a word that is both', ['valid/1.jpg', 'invalid/1.jpg']],
])('asks what the folders are: %s', async (_, paths) => {
  await tree.put(...paths);
  await expect(tree.layout()).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(/ (is|are) beside .*--folders classes/),
  });
  const { labels } = await tree.layout({ folders: 'classes' });
  expect(labels).toEqual([...new Set(paths.map((path) => path.split('/')[0]))].sort());
});

test('takes folders for splits where it is told to', async () => {
  await tree.putPets('train');
  await tree.put('bus/1.jpg');
  expect(await tree.layout({ folders: 'splits' })).toMatchObject({
    labels: ['cat', 'dog'],
    notes: ['Left out, since they are beside the splits: bus.'],
  });
  await rm(join(tree.root, 'train'), { recursive: true });
  await expect(tree.layout({ folders: 'splits' })).rejects.toThrow(
    /a folder to train on in .*, but there is none: .* leave out --folders splits\.$/,
  );
});

test.each([
  ['dev', ['train', 'validation', 'dev'], 'validation', 'dev'],
  ['eval', ['train', 'eval', 'valid'], 'valid', 'eval'],
  ['val', ['train', 'val', 'validation'], 'validation', 'val'],
  ['what is to be predicted', ['seg_train', 'seg_val', 'seg_pred'], 'seg_val', 'seg_pred'],
  ['another test', ['train', 'valid', 'test', 'testing'], 'valid', 'testing'],
])('says that it leaves out %s', async (_, splits, validation, left) => {
  await tree.putPets(...splits);
  const found = await tree.layout();
  expect(found.validation).toEqual(pets(validation));
  expect(found.notes).toContain(`Left out, since they are beside the splits: ${left}.`);
});

test('says which folders it takes for which split, where their names are not the usual ones', async () => {
  await tree.putPets('pets_train', 'pets_test');
  expect((await tree.layout()).notes).toEqual([
    'Splits: pets_train to train on, pets_test to test on.',
  ]);
});

test('leaves out folders of loose images beside splits', async () => {
  await tree.putPets('training_set', 'test_set');
  await tree.put('single_prediction/1.jpg', 'training_set/loose.jpg', 'docs/readme.md');
  const { labels, notes } = await tree.layout();
  expect(labels).toEqual(['cat', 'dog']);
  expect(notes).toEqual([
    'Splits: training_set to train on, test_set to test on.',
    'Left out, since they are beside the splits: single_prediction.',
    'Left out, since they are beside the class folders: 1 (training_set/loose.jpg).',
  ]);
});

test.each([
  ['images right in it', 'test/1.jpg'],
  ['a folder of the same name', 'test/test/1.jpg'],
  ['Keras’ one folder', 'test/unknown/1.jpg'],
  ['a folder of images', 'test/images/1.jpg'],
])('says that a test folder has no labels: %s', async (_, path) => {
  await tree.putPets('train');
  await tree.put(path);
  const found = await tree.layout();
  expect(found.test).toBeNull();
  expect(found.notes).toEqual([
    'Images of test in no class folder, which have no label and are left out: 1.',
  ]);
});
