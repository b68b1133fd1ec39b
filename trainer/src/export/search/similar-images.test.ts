import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startBackend } from '../../backends/start-backend.ts';
import { readImageIndex, similarImages, similarInIndex } from './similar-images.ts';
import { remoteDimensions, writeImageIndex } from './write-image-index.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../shared/fixtures/${name}`, import.meta.url));
const model = fileURLToPath(new URL('../../../../edge/public/models/imagenet', import.meta.url));
const { signal } = new AbortController();

let root: string;
beforeAll(async () => {
  await startBackend('wasm', () => {});
  root = await mkdtemp(join(tmpdir(), 'graft-similar-'));
  await mkdir(join(root, 'deep'));
  for (const name of ['coffee', 'rocket', 'chelsea']) {
    await copyFile(fixture(`${name}.png`), join(root, `${name}.png`));
  }
  await sharp(fixture('coffee.png'))
    .flop()
    .jpeg({ quality: 60 })
    .toFile(join(root, 'deep/mirrored.jpg'));
  await writeFile(join(root, 'torn.jpg'), 'no image');
});
afterAll(() => rm(root, { recursive: true }));

test('finds an image, its mirror image, and then others; what is no image is reported', async () => {
  const report = vi.fn();
  const task = { image: fixture('coffee.png'), folder: root, top: 3, signal, report };
  const found = await similarImages(model, task);
  expect(found.map(({ path }) => path.slice(root.length + 1)).slice(0, 2)).toEqual([
    'coffee.png',
    join('deep', 'mirrored.jpg'),
  ]);
  expect(found).toHaveLength(3);
  const [copy, mirrored, other] = found.map(({ similarity }) => similarity) as [
    number,
    number,
    number,
  ];
  expect(copy).toBeCloseTo(1, 5);
  expect(mirrored).toBeGreaterThan(0.8);
  expect(other).toBeLessThan(0.5);
  expect(report).toHaveBeenCalledOnce();
});

test('finds the same in an index, in which images have their paths from the folder', async () => {
  const file = join(root, 'photos.index');
  const report = vi.fn();
  const task = { folder: root, file, signal, report };
  expect(await writeImageIndex(model, task)).toEqual({ images: 4, dimensions: 1280 });
  expect(report).toHaveBeenCalledOnce();
  const { index, model: id } = await readImageIndex(file);
  expect(id).toBe('imagenet');
  const query = { image: fixture('coffee.png'), top: 9, signal };
  const expected = await similarImages(model, { ...query, folder: root, report });
  const found = await similarInIndex(model, index, query);
  expect(found.map(({ path }) => join(root, path))).toEqual(expected.map(({ path }) => path));
  for (const [at, { similarity }] of found.entries()) {
    expect(Math.abs(similarity - (expected[at]?.similarity ?? 2))).toBeLessThan(0.002);
  }
  const cifar10 = fileURLToPath(new URL('cifar10', pathToFileURL(model)));
  await expect(similarInIndex(cifar10, index, query)).rejects.toThrow('write the index anew');
  await expect(readImageIndex(fixture('coffee.png'))).rejects.toMatchObject({
    code: 'model_invalid',
    message: expect.stringContaining('another file'),
  });
});

test('writes the same vectors for Vectorize, and an index that has none', async () => {
  const [file, vectorize] = [join(root, 'photos.index'), join(root, 'photos.ndjson')];
  const task = { folder: root, file, vectorize, signal, report: vi.fn() };
  await writeImageIndex(model, task);
  const lines = (await readFile(vectorize, 'utf8')).trimEnd().split('\n');
  const vectors = lines.map((line) => JSON.parse(line));
  expect(vectors.map(({ id, metadata }) => [id, metadata.image])).toEqual([
    ['0', 'chelsea.png'],
    ['1', 'coffee.png'],
    ['2', 'deep/mirrored.jpg'],
    ['3', 'rocket.png'],
  ]);
  for (const { values } of vectors) {
    expect(values).toHaveLength(1280);
    const squares = (values as number[]).reduce((sum, value) => sum + value * value, 0);
    expect(squares).toBeCloseTo(1, 4);
  }
  await expect(readImageIndex(file)).rejects.toThrow('its vectors are in Vectorize');
});

test('Vectorize gets as many dimensions as it takes', () => {
  expect([1280, 2048].map(remoteDimensions)).toEqual([1280, 512]);
});
