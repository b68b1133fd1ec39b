import { copyFile, cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { similarResponse } from 'shared/contract/responses';
import sharp from 'sharp';
import { startBackend } from 'trainer/backends/start-backend';
import { readImageIndex, similarInIndex } from 'trainer/export/search/similar-images';
import { writeImageIndex } from 'trainer/export/search/write-image-index';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder, startWorker } from './serve.ts';

// What `graft similar` writes, the deployed entry `with-search` serves.

const NAMES = ['chelsea', 'coffee', 'rocket'];
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../shared/fixtures/${name}.png`, import.meta.url));
const models = fileURLToPath(new URL('../public/models', import.meta.url));
const model = join(models, 'imagenet');
const { signal } = new AbortController();

let folder: string;
let file: string;
let worker: Awaited<ReturnType<typeof startWorker>>;

beforeAll(async () => {
  await startBackend('wasm', () => {});
  folder = await makeFolder();
  file = join(folder, 'images.index');
  const photos = join(folder, 'photos');
  await Promise.all([
    cp(models, join(folder, 'public/models'), { recursive: true }),
    cp(fixture('rocket'), join(photos, 'sky/rocket.png')),
  ]);
  for (const name of NAMES) await copyFile(fixture(name), join(photos, `${name}.png`));
  const report = (error: unknown) => {
    throw error;
  };
  await writeImageIndex(model, { folder: photos, file, signal, report });
  const r2_buckets = [{ binding: 'SEARCH', bucket_name: 'search' }];
  worker = await startWorker(folder, 'e2e/similar-worker.ts', { r2_buckets });
  await worker.fetch('/images.index', { method: 'PUT', body: await readFile(file) });
});

afterAll(async () => {
  await worker?.close();
  await rm(folder, { recursive: true, force: true });
});

test('the Worker finds in an index what the trainer finds', async () => {
  const smaller = join(folder, 'smaller.jpg');
  await sharp(fixture('coffee')).resize(200).jpeg({ quality: 70 }).toFile(smaller);
  const init = { method: 'POST', body: await readFile(smaller) };
  const response = await worker.fetch('/similar?top=3', init);
  const { matches } = similarResponse.parse(await response.json());
  const { index } = await readImageIndex(file);
  const found = await similarInIndex(model, index, { image: smaller, top: 3, signal });
  expect(matches.map(({ image }) => image)).toEqual(found.map(({ path }) => path));
  expect(matches[0]?.image).toBe('coffee.png');
  for (const [at, { similarity }] of matches.entries()) {
    expect(similarity).toBeCloseTo(found[at]?.similarity ?? 2, 4);
  }
});

test('copies are found under both names, and the rest of the Worker is there', async () => {
  const init = { method: 'POST', body: await readFile(fixture('rocket')) };
  const { matches } = similarResponse.parse(
    await (await worker.fetch('/similar?top=2', init)).json(),
  );
  expect(matches.map(({ image }) => image).toSorted()).toEqual(['rocket.png', 'sky/rocket.png']);
  expect((await worker.fetch('/health')).status).toBe(200);
  // Of jobs, whose bindings are not there.
  const jobs = await worker.fetch('/jobs', { method: 'POST', body: '{}' });
  expect(await jobs.json()).toMatchObject({ detail: expect.stringContaining('has no jobs') });
});
