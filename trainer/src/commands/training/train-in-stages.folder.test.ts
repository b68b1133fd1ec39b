import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { beforeEach, expect, inject, test } from 'vitest';
import { folderWithBackends } from '../../../fixtures/folders/folder-with-cache.ts';
import type { BackendName } from '../../backends/start-backend.ts';
import { smoke } from '../../config/smoke.ts';
import { openCifar10 } from '../../datasets/cifar.ts';
import type { ImageSet } from '../../datasets/dataset.ts';
import { type Evaluation, evaluateModel } from '../../evaluation/evaluate-model.ts';
import { formatEvaluation } from '../../evaluation/format-evaluation.ts';
import { printable, printableLines } from '../../printable.ts';
import { trainInStages } from './train-in-stages.ts';

const CLASSES = ['airplane', 'cat', 'ship'];
/** Of each class, from CIFAR-10. */
const IMAGES = 40;

/** Enough images to validate and to test that chance does not decide. */
const config = {
  ...smoke,
  validation: 0.2,
  test: 0.25,
  stage2: { ...smoke.stage2, interpolate: true },
};

let root: string;
let photos: string;
beforeEach(async () => {
  root = await folderWithBackends();
  photos = join(root, 'photos');
});

async function put(path: string, file: Uint8Array | Sharp): Promise<void> {
  await mkdir(dirname(join(photos, path)), { recursive: true });
  await writeFile(join(photos, path), file instanceof Uint8Array ? file : await file.toBuffer());
}

/** One image of CIFAR-10, enlarged as people's photos are. */
async function photoOf(set: ImageSet, index: number): Promise<Sharp> {
  const { data, width, height } = await set.image(index);
  const raw = Uint8Array.from(data);
  return sharp(raw, { raw: { width, height, channels: 3 } }).resize(96, 96, { kernel: 'cubic' });
}

/** A run on the photos, which says its lines into `said`. */
function runOf(backend: BackendName, said: string[]) {
  return {
    directory: join(root, 'run'),
    resume: false,
    data: photos,
    strict: false,
    models: join(root, 'models'),
    modelId: undefined,
    backend,
    command: 'a test',
    publicCommand: 'a test',
    resumeCommand: 'a test',
    watchCommand: 'a test',
    signal: new AbortController().signal,
    say: (line: string) => void said.push(line),
  };
}

const golden = (name: string) =>
  sharp(fileURLToPath(new URL(`../../../../shared/fixtures/${name}.png`, import.meta.url)));

/** Each class in the formats by turns. */
async function putImages(): Promise<void> {
  const { train: set, labels } = await openCifar10();
  const formats = ['jpeg', 'png', 'webp', 'avif'] as const;
  for (const name of CLASSES) {
    const label = labels.indexOf(name);
    let number = 0;
    for (let index = 0; number < IMAGES; index++) {
      if (set.label(index) !== label) continue;
      const format = formats[number % formats.length] as (typeof formats)[number];
      await put(`${name}/${number}.${format}`, (await photoOf(set, index)).toFormat(format));
      number += 1;
    }
  }
}

/** Files that a folder of photos may have in it, good and bad. */
async function plant(): Promise<void> {
  await put('cat/chelsea-upright.png', golden('chelsea'));
  const turned = await golden('chelsea').rotate(-90).jpeg().toBuffer();
  await put('cat/chelsea-rotated.jpg', sharp(turned).withMetadata({ orientation: 6 }).jpeg());
  await put('cat/chelsea-huge.jpg', golden('chelsea').resize(8000, 6000, { fit: 'cover' }).jpeg());
  await put('cat/chelsea-cmyk.jpg', golden('chelsea').toColourspace('cmyk').jpeg());
  await put('cat/chelsea-16-bit.png', golden('chelsea').toColourspace('rgb16').png());
  await put('cat/chelsea-grey.jpg', golden('chelsea').greyscale().jpeg());
  await put('airplane/rocket-is-a-webp.jpg', golden('rocket').webp());
  await put('airplane/no-ending', golden('rocket').gif());
  const whole = await golden('rocket').jpeg().toBuffer();
  await put('airplane/cut.jpg', whole.subarray(0, whole.length / 2));
  await put('airplane/zeros.jpg', Buffer.concat([whole.subarray(0, 2000), Buffer.alloc(20_000)]));
  await put('ship/page.jpg', Buffer.from('<!doctype html><title>Not found</title>'));
  await put('ship/empty.png', Buffer.alloc(0));
  await put('ship/notes.txt', Buffer.from('taken in June'));
  await put('ship/.DS_Store', Buffer.from('hidden'));
  await copyFile(join(photos, 'cat/0.jpeg'), join(photos, 'ship/not-a-cat.jpeg'));
  await copyFile(join(photos, 'cat/1.png'), join(photos, 'cat/1 (copy).png'));
}

test('trains on a folder as people have them, and says what is wrong in it', async () => {
  await putImages();
  await plant();
  const said: string[] = [];
  const run = runOf(inject('native') ? 'native' : 'wasm', said);
  const realPhotos = join(root, 'real');
  await mkdir(join(realPhotos, 'cat'), { recursive: true });
  await golden('chelsea').toFile(join(realPhotos, 'cat/chelsea.png'));
  const card = await trainInStages(config, { ...run, photos: realPhotos });
  expect(card.training?.data?.side).toBe(96);

  const skipped = said.filter((line) => line.startsWith('Skipped')).join();
  for (const name of ['cut.jpg', 'zeros.jpg', 'empty.png', 'notes.txt', 'page.jpg'])
    expect(skipped).toContain(name);
  expect(said).toContain(
    'In two classes, byte for byte, so one of the labels must be wrong: 1 (ship/not-a-cat.jpeg = cat/0.jpeg).',
  );
  expect(said.find((line) => line.startsWith('More than once'))).toMatch(
    /: 1 \(cat\/1\.png = cat\/1 \(copy\)\.png\)\.$/,
  );
  const counts = { airplane: IMAGES + 2, cat: IMAGES + 7, ship: IMAGES + 1 };
  expect(said).toContain(
    `Training images: airplane ${counts.airplane}, cat ${counts.cat}, ship ${counts.ship}.`,
  );
  // About a quarter to test, and a fifth of the others to validate, each with what is nearly the same as its images.
  const drawn = said.find((line) => /^photos: \d+ images to train, /.test(line)) ?? '';
  const [train = 0, validation = 0, test = 0] = (drawn.match(/\d+/g) ?? []).map(Number);
  expect(train + validation + test).toBe(3 * IMAGES + 10);
  expect(Math.abs(test - 33)).toBeLessThan(8);
  expect(Math.abs(validation - 20)).toBeLessThan(8);
  expect(said.find((line) => line.startsWith('Nearly the same'))).toMatch(/ the same split/);
  expect(card.labels.map(({ name }) => name)).toEqual(CLASSES);
  expect(card.id).toBe('photos-smoke');
  // Fine-tuning helped, and part of the way back to the pretrained kernels did not hurt.
  expect(said.find((line) => line.startsWith('Interpolation: '))).toMatch(
    /^Interpolation: \d+\.\d+ % of the fine-tuned kernels and \d+\.\d+ % of the pretrained; validation loss /,
  );
  const [accuracy] = card.accuracy;
  expect(accuracy?.images).toBe(test);
  // Measured in both arithmetics, whose answers differ by less than an image or two.
  expect(card.quantization.arithmetic).toBe('int8');
  const { quantized = 0, quantizedInFloat32 = 1 } = accuracy ?? {};
  expect(Math.abs(quantized - quantizedInFloat32)).toBeLessThan(0.1);
  // By chance it would be a third.
  expect(accuracy?.float32).toBeGreaterThan(0.5);
  expect(card.accuracy[1]).toMatchObject({ dataset: 'real photos', split: 'photos', images: 1 });
  expect(said).toContainEqual(
    expect.stringMatching(/^Accuracy on real photos \(1\): (0|100)\.00 %\.$/),
  );
  const report = await readFile(join(run.directory, 'report.html'), 'utf8');
  expect(report).toMatch(/<dt>Real photos<\/dt><dd>(0|100)\.00 %<small>of 1, as served/);

  // A second run reads no image again and computes no feature.
  const again: string[] = [];
  await trainInStages(config, {
    ...run,
    directory: join(root, 'again'),
    say: (line) => again.push(line),
  });
  expect(again.find((line) => line.startsWith('Feature cache: '))).toMatch(
    /^Feature cache: .* read; /,
  );
  expect(again.find((line) => line.startsWith('The result will replace'))).toContain(card.title);
  expect(again.filter((line) => /^(Stage|After|Interp)/.test(line)).map(withoutSeconds)).toEqual(
    said.filter((line) => /^(Stage|After|Interp)/.test(line)).map(withoutSeconds),
  );

  // Another data set's model under the same id stays.
  const other = join(root, 'other/photos-smoke');
  await mkdir(other, { recursive: true });
  const shipped = new URL('../../../../edge/public/models/cifar10/model.json', import.meta.url);
  await copyFile(shipped, join(other, 'model.json'));
  await expect(
    trainInStages(config, { ...run, models: join(root, 'other') }),
  ).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringMatching(/^There is another model at .*, of 10 classes: choose an id/),
  });

  await expect(trainInStages(config, { ...run, strict: true })).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(/^Expected an image at .*, but: The .* Remove the file, /),
  });
}, 240_000);

test('trains, reports and evaluates classes of any name, and says the id that a folder gives', async () => {
  photos = join(root, 'odd_names\u001b[2J');
  const names = [
    'constructor',
    'toString',
    '__proto__',
    'a\u2028b',
    '\u001b[31mred',
    'big  cat 🐈',
  ];
  for (const [label, name] of names.entries()) {
    for (let shade = 0; shade < 6; shade++) {
      const background = { r: 40 * label, g: 5 * shade, b: 99 };
      const image = sharp({ create: { width: 16, height: 16, channels: 3, background } });
      await put(`${name}/${shade}\u202e.png`, image.png());
    }
    await put(`${name}/\u009b2J.jpg`, Buffer.from('damaged'));
  }
  const said: string[] = [];
  const run = runOf('wasm', said);
  const tiny = { ...smoke, backbone: 'lenet5', weights: 'none', size: 32, limit: null } as const;
  const card = await trainInStages({ ...tiny, stage1: { ...smoke.stage1, epochs: 2 } }, run);
  const labels = [
    ...['__proto__', 'a\\u2028b', 'big  cat 🐈', 'constructor'],
    ...['toString', '\\u001b[31mred'],
  ].sort();
  expect(card.labels.map(({ name }) => name)).toEqual(labels);
  expect([card.id, card.title]).toEqual([
    'odd-names-2j',
    expect.stringContaining('odd_names\\u001b[2J'),
  ]);
  expect(said).toContain(
    "The model's id is odd-names-2j, since ids are up to 64 lower-case letters, digits and hyphens; --id chooses another.",
  );
  expect(said.filter((line) => line !== printable(line))).toEqual([]);
  const report = await readFile(join(run.directory, 'report.html'), 'utf8');
  expect(report).toContain('a\\u2028b');
  expect(report).toBe(printableLines(report));

  const model = join(run.models, card.id);
  const evaluation = (await evaluateModel(model, { ...run, data: photos })) as Evaluation;
  expect(evaluation.split).toBe('held out');
  expect(evaluation.classes.map(({ label }) => label)).toEqual(labels);
  expect(formatEvaluation(evaluation)).toBe(printableLines(formatEvaluation(evaluation)));
});

test('trains stage 2 again, more gently, where its learning rate is too high', async () => {
  await putImages();
  const said: string[] = [];
  const stage2 = {
    ...{ ...smoke.stage2, epochs: 2, peakLearningRate: 0.05, retry: true },
    ...{ schedule: 'constant' as const, warmup: 0 },
  };
  const stage1 = { ...smoke.stage1, solve: true };
  await trainInStages({ ...config, stage1, stage2 }, runOf('wasm', said));
  const lines = said.filter((line) => line.startsWith('Stage 2'));
  expect(lines.map((line) => line.replace(/: loss .*/, '')).slice(0, 5)).toEqual([
    'Stage 2, epoch 1/2',
    'Stage 2: validation did not improve; keeping the previous weights.',
    'Stage 2 begins again, more gently.',
    'Stage 2 again, epoch 1/2',
    'Stage 2 again, epoch 2/2',
  ]);
}, 240_000);

const withoutSeconds = (line: string) => line.replace(/, [^,]* elapsed$|: \d+ s\.$/, '');
