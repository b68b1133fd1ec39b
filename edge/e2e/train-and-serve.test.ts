import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelResponse, modelsResponse } from 'shared/contract/responses';
import sharp from 'sharp';
import { openCifar10 } from 'trainer/datasets/cifar';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graft } from './graft.ts';
import { makeFolder, type Served, serve } from './serve.ts';

// The whole way on real data: train on a part of CIFAR-10, export, serve in workerd, and classify
// test images from a server on this machine.

const IMAGES = 20;

let served: Served;
let left: string[];
let results: { readonly mistakes: readonly object[] };
let photos: { readonly label: string; readonly png: Buffer }[];

beforeAll(async () => {
  const folder = await makeFolder();
  const models = join(folder, 'public/models');
  const options = ['--config', 'smoke', '--id', 'e2e', '--models', models, '--runs', folder];
  await graft('train', ...options);
  const run = (await readdir(folder)).find((name) => name.endsWith('-smoke'));
  left = await readdir(join(folder, run as string));
  results = JSON.parse(await readFile(join(folder, run as string, 'results.json'), 'utf8'));
  photos = await encodeTestImages();
  served = await serve(
    folder,
    photos.map(({ png }) => png),
  );
});

afterAll(() => served?.close());

test('training writes a report', () => {
  const files = ['card.json', 'checkpoint.safetensors', 'log.jsonl', 'report.html', 'results.json'];
  expect(left).toEqual(expect.arrayContaining(files));
  // 64 pixels are 2 × 2 places of the last features.
  expect(results.mistakes[0]).toMatchObject({ map: { rows: 2, columns: 2 } });
});

test('the trained model is served', async () => {
  const response = modelsResponse.parse(await (await served.fetch('/models')).json());
  expect(response.default).toBe('e2e');
  expect(response.models[0]).toMatchObject({ id: 'e2e', classes: 10, size: 64 });
  expect(response.models[0]?.accuracy[0]).toMatchObject({ source: 'measured', split: 'test' });

  const { card } = modelResponse.parse(await (await served.fetch('/models/e2e')).json());
  expect(card.calibration).toMatchObject({ images: 200, ece: { after: expect.any(Number) } });
  // Chosen on the validation images.
  expect(card.calibration?.temperature).not.toBe(1);
});

test('images fetched by url get the right labels', async () => {
  let right = 0;
  for (const [index, { label }] of photos.entries()) {
    const response = await served.classify(index);
    expect(response.image).toMatchObject({ width: 32, height: 32, format: 'png' });
    if (response.predictions[0]?.label === label) right += 1;
  }
  // Trained on 1,000 images, it gets about 60 % right; guessing gets 10 %.
  expect(right).toBeGreaterThanOrEqual(IMAGES * 0.4);
});

async function encodeTestImages(): Promise<typeof photos> {
  const { test: images, labels } = await openCifar10();
  return Promise.all(
    Array.from({ length: IMAGES }, async (_, index) => {
      const { width, height, channels, data } = await images.image(index);
      const png = await sharp(data, { raw: { width, height, channels } }).png().toBuffer();
      return { label: labels[images.label(index)] as string, png };
    }),
  );
}
