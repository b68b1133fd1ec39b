import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { similarResponse } from 'shared/contract/responses';
import { readHeader } from 'shared/search/index-layout';
import sharp from 'sharp';
import { startBackend } from 'trainer/backends/start-backend';
import { writeImageIndex } from 'trainer/export/search/write-image-index';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from './serve.ts';
import { type ServedJobs, serveJobs } from './serve-jobs.ts';

// What `graft similar --index` writes of a folder, a job writes of a bucket with the same images.

const GOOD = 48;
const model = fileURLToPath(new URL('../public/models/imagenet', import.meta.url));

let folder: string;
let jobs: ServedJobs;
let expected: Buffer;
const images = new Map<string, Buffer>();

beforeAll(async () => {
  await startBackend('wasm', () => {});
  folder = await makeFolder();
  jobs = await serveJobs(folder, 5);
  const photos = join(folder, 'photos');
  for (let i = 0; i < GOOD; i++) {
    const name = ['chelsea', 'coffee', 'rocket'][i % 3];
    const file = fileURLToPath(new URL(`../../shared/fixtures/${name}.png`, import.meta.url));
    const cut = { left: (i * 7) % 90, top: i, width: 160, height: 120 };
    images.set(`${i % 2 ? 'odd' : 'even'}/${i} é.png`, await sharp(file).extract(cut).toBuffer());
  }
  for (const name of ['even/torn.png', 'torn.png']) images.set(name, Buffer.from('no image'));
  for (const [name, bytes] of images) {
    await mkdir(dirname(join(photos, name)), { recursive: true });
    await writeFile(join(photos, name), bytes);
    await jobs.put('photos', encodeURIComponent(name), bytes);
  }
  const file = join(folder, 'photos.index');
  const unreadable: unknown[] = [];
  const report = (error: unknown) => unreadable.push(error);
  const { signal } = new AbortController();
  await writeImageIndex(model, { folder: photos, file, signal, report });
  expect(unreadable).toHaveLength(2);
  expected = await readFile(file);
});

afterAll(async () => {
  await jobs?.close();
  await rm(folder, { recursive: true, force: true });
});

async function makeIndex(name: string, kills: readonly number[]): Promise<Buffer> {
  const source = { bucket: 'photos' };
  const { id } = await jobs.start({ source, model: 'imagenet', index: name });
  for (const least of kills) {
    await expect
      .poll(async () => (await jobs.show(id)).images.done, { timeout: 60_000, interval: 100 })
      .toBeGreaterThan(least);
    await jobs.killAndRestart();
  }
  expect(await jobs.finish(id)).toMatchObject({
    status: 'done',
    index: name,
    images: { found: GOOD + 2, done: GOOD + 2, failed: 2 },
    problems: { unsupported_image: 2 },
  });
  const lines = await jobs.results(id);
  const failed = lines.flatMap((line) => ('problem' in line ? line.image : []));
  expect(failed).toEqual(['even/torn.png', 'torn.png']);
  return Buffer.from(await (await jobs.fetch(`/index/${name}.index`)).arrayBuffer());
}

test('a job writes the index that the trainer writes, though workerd is killed twice', {
  timeout: 300_000,
}, async () => {
  const killed = await makeIndex('killed', [4, 20]);
  const whole = await makeIndex('whole', []);
  expect(killed.equals(whole)).toBe(true);
  const [ours, theirs] = [readHeader(whole), readHeader(expected)];
  expect(ours.header).toEqual(theirs.header);
  const { offsets, codes, end } = ours.layout;
  expect(whole.subarray(offsets, codes).equals(expected.subarray(offsets, codes))).toBe(true);
  const stepsOf = (file: Buffer) =>
    new Int8Array(file.buffer, file.byteOffset + codes, end - codes);
  const [mine, other] = [stepsOf(whole), stepsOf(expected)];
  const differing = mine.filter((step, at) => step !== other[at]);
  expect(differing.length / mine.length).toBeLessThan(0.01);
  expect(mine.every((step, at) => Math.abs(step - (other[at] as number)) <= 1)).toBe(true);

  for (const [name, bytes] of [...images].slice(0, 6)) {
    const init = { method: 'POST', body: new Uint8Array(bytes) };
    const response = await jobs.fetch('/similar?index=killed&top=2', {
      ...init,
      headers: { 'content-type': 'application/octet-stream' },
    });
    const { matches } = similarResponse.parse(await response.json());
    expect(matches[0]).toMatchObject({ image: name });
    expect(matches[0]?.similarity).toBeGreaterThan(0.9995);
  }
});
