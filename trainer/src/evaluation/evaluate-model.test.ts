import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { ModelCard } from 'shared/contract/model-card';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { tinyCardForImages } from '../../fixtures/tiny-card.ts';
import { buildTinyNetwork, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { smoke } from '../config/smoke.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { toGraphModel } from '../export/graph-model.ts';
import { writeModelDirectory } from '../export/write-model-directory.ts';
import { startProgress } from '../files/progress.ts';
import { loadModel } from '../models/load-model.ts';
import { fusePlan } from '../plan/fuse.ts';
import { type Evaluation, evaluateModel } from './evaluate-model.ts';
import { formatEvaluation } from './format-evaluation.ts';
import { predict } from './predict.ts';

let folder: string;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  folder = await temporaryFolder();
});

const config = { ...smoke, limit: null, test: 0.25 };

async function writeModel(id: string, change: Partial<ModelCard> = {}): Promise<string> {
  const directory = join(folder, id);
  const model = await toGraphModel(fusePlan(buildTinyNetwork()), TINY_SIZE, 'float32');
  await writeModelDirectory(directory, model, {
    ...tinyCardForImages,
    id,
    title: 'Tiny, pets',
    labels: [{ name: 'cat' }, { name: 'dog', synset: 'n02084071' }, { name: 'fox' }],
    training: { command: 'train', seconds: 1, config },
    ...change,
    quantization: { scheme: 'float32' },
  });
  return directory;
}

/** Images of noise, `count` in each class; the same each time, since chance decides what is right. */
async function writePhotos(name: string, classes: readonly string[], count = 4): Promise<string> {
  for (const [label, of] of classes.entries()) {
    await mkdir(join(folder, name, of), { recursive: true });
    for (let i = 0; i < count; i++) {
      const raw = { width: 12, height: 12, channels: 3 } as const;
      const random = createRandom(100 * label + i);
      const value = () => 60 + 60 * label + 200 * (random.float() - 0.5);
      const pixels = Uint8ClampedArray.from({ length: 12 * 12 * 3 }, value);
      await sharp(pixels, { raw })
        .png()
        .toFile(join(folder, name, of, `${i}.png`));
    }
  }
  return join(folder, name);
}

const options = { strict: true, signal: new AbortController().signal, say: () => {} };

test('measures what it answers, with folders named by label or synset id', async () => {
  const model = await writeModel('pets');
  // In another order than the model's, and without one of its classes.
  const data = await writePhotos('photos', ['n02084071', 'cat']);
  const before = tf.memory().numTensors;
  const evaluation = (await evaluateModel(model, { ...options, data })) as Evaluation;
  expect(tf.memory().numTensors).toBe(before);

  const network = await loadModel(model);
  let right = 0;
  for (const label of ['n02084071', 'cat']) {
    for (let i = 0; i < 4; i++) {
      const { predictions } = await predict(network, join(data, label, `${i}.png`), 1);
      const [first] = predictions;
      if (first?.synset === label || first?.label === label) right += 1;
    }
  }
  network.dispose();
  expect(right).toBeGreaterThan(0);
  expect(evaluation).toMatchObject({
    model: { id: 'pets', title: 'Tiny, pets' },
    dataset: 'photos',
    split: 'all',
    images: 8,
    top1: right / 8,
    top5: null,
  });
  expect(evaluation.classes.map(({ label, images }) => [label, images])).toEqual([
    ['cat', 4],
    ['dog', 4],
    ['fox', 0],
  ]);
  const lines = formatEvaluation(evaluation).split('\n');
  expect(lines[1]).toBe('photos, all its images, also what the model may have trained on: 8');
  expect(lines.slice(4).map((line) => line.split(' ')[0])).toEqual([
    'class',
    'cat',
    'dog',
    'Without',
  ]);
  expect(lines.at(-1)).toBe('Without images: fox.');
  const mean = (figure: 'f1' | 'recall') =>
    evaluation.classes.slice(0, 2).reduce((sum, one) => sum + one[figure] / 2, 0);
  expect(evaluation.macroF1).toBeCloseTo(mean('f1'), 9);
  expect(evaluation.balancedAccuracy).toBeCloseTo(mean('recall'), 9);
});

test('takes the images that the training held out, where the data is the same', async () => {
  const data = await writePhotos('pets-photos', ['cat', 'dog', 'fox']);
  const { hash } = await openDataset(data, {
    ...options,
    purpose: 'training',
    size: 32,
    startProgress,
  });
  const splitOf = async (datasetHash: string | undefined) => {
    const training = { command: 'train', seconds: 1, config };
    const of = datasetHash === undefined ? {} : { data: { hash: datasetHash, images: 9 } };
    const model = await writeModel('held', { training: { ...training, ...of } });
    const { split, images } = await evaluateModel(model, { ...options, data });
    return [split, images];
  };
  expect(await splitOf(hash)).toEqual(['held out', 3]);
  // Others may have trained.
  await writePhotos('pets-photos', ['cat', 'dog', 'fox'], 5);
  expect(await splitOf(hash)).toEqual(['all', 15]);
  expect(await splitOf(undefined)).toEqual(['all', 15]);
});

test('takes the images of a test folder', async () => {
  await writePhotos('split/train', ['cat', 'dog']);
  await writePhotos('split/test', ['cat', 'dog'], 3);
  const data = join(folder, 'split');
  const evaluation = await evaluateModel(await writeModel('split-pets'), { ...options, data });
  expect([evaluation.split, evaluation.images]).toEqual(['test', 6]);
});

test.each([
  ['one image a class', 'single', ['cat', 'dog', 'fox'], 3, 'all'],
  ['one class', 'cats', ['cat'], 1, 'all'],
  ['a test alone', 'alone', ['test/cat', 'test/dog'], 2, 'test'],
  ['a validation alone', 'choose', ['val/cat', 'val/dog'], 2, 'all'],
])('measures on %s, without advice on training', async (_, name, classes, images, split) => {
  const data = await writePhotos(name, classes, 1);
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const model = await writeModel('any-pets');
  const evaluation = await evaluateModel(model, { ...options, say, data });
  expect({ ...evaluation, said }).toMatchObject({ images, split, said: [] });
});

test('says where no image can be measured on', async () => {
  const data = await writePhotos('nothing/train', ['cat', 'dog']);
  await writePhotos('nothing/test', ['cat', 'dog']);
  for (const of of ['cat', 'dog']) {
    for (let i = 0; i < 4; i++) await writeFile(join(data, '../test', of, `${i}.png`), 'damaged');
  }
  await expect(
    evaluateModel(await writeModel('pets'), {
      ...options,
      strict: false,
      data: join(folder, 'nothing'),
    }),
  ).rejects.toMatchObject({
    code: 'dataset_invalid',
    message:
      'Expected images in class folders to measure pets on, but nothing has none that can be read.',
  });
});

test('knows a class in another Unicode form, and by a name that is not shown as it is', async () => {
  const labels = [{ name: 'cafe\u0301' }, { name: 'a\u2028b' }, { name: 'constructor' }];
  const model = await writeModel('odd', { labels });
  const data = await writePhotos('odd-photos', ['caf\u00e9', 'a\u2028b', 'constructor'], 1);
  const { classes } = (await evaluateModel(model, { ...options, data })) as Evaluation;
  expect(classes.map(({ images }) => images)).toEqual([1, 1, 1]);
});

test('says which class the model does not know', async () => {
  const data = await writePhotos('birds', ['cat', 'owl']);
  await expect(evaluateModel(await writeModel('pets'), { ...options, data })).rejects.toMatchObject(
    {
      code: 'dataset_invalid',
      message:
        'Expected class folders named by the labels of pets (cat, dog, fox) or their synset ids, but birds has a class owl.',
    },
  );
});
