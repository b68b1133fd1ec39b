import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { similarImages } from './similar-images.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../shared/fixtures/${name}`, import.meta.url));
const model = fileURLToPath(new URL('../../../edge/public/models/imagenet', import.meta.url));
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
