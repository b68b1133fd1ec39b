import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, expect, test } from 'vitest';
import { folderWithCache } from '../../../fixtures/folders/folder-with-cache.ts';
import { readingOptions } from '../../../fixtures/folders/reading-options.ts';
import type { Dataset } from '../dataset.ts';
import { openImageFolder } from '../folders/image-folder.ts';
import { splitDataset } from '../split.ts';

let root: string;
let said: string[];
beforeEach(async () => {
  root = await folderWithCache();
  said = [];
});

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function putImage(shade: number, ...paths: readonly string[]): Promise<void> {
  const background = { r: shade, g: 100, b: 50 };
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
  for (const path of paths) await put(path, await image.clone().png().toBuffer());
}

const open = (labels: string, folder = 'photos') =>
  openImageFolder(join(root, folder), { ...readingOptions(said), labels });

const labelsOf = ({ train }: Dataset) =>
  Array.from({ length: train.length }, (_, index) => train.labels?.(index));

test('takes an image that lies in several class folders for one of all these labels', async () => {
  for (let i = 0; i < 4; i++) await putImage(i, `photos/sea/${i}.png`);
  for (let i = 2; i < 6; i++) await putImage(i, `photos/sand/other-${i}.png`);
  const dataset = await open('folders');
  expect(dataset.labels).toEqual(['sand', 'sea']);
  expect(labelsOf(dataset)).toEqual([[0, 1], [0, 1], [0], [0], [1], [1]]);
  expect(said).toContain('Labels: 2 of 6 images have several.');
  expect(said.join()).not.toContain('must be wrong');
});

test('reads a file of labels, says what is amiss, and draws each split from all labels', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => {
    const labels = [
      i % 2 === 0 ? 'sea' : '',
      i % 10 === 0 ? 'boat' : '',
      i % 3 === 0 ? 'sand' : '',
    ];
    return `sub/${i}.png,${labels.filter(Boolean).join(';')}\n`;
  });
  for (let i = 0; i < 41; i++) await putImage(i, `photos/sub/${i}.png`);
  await put('labels.csv', `${rows.join('')}gone.png,sea\n`);
  const dataset = await open(join(root, 'labels.csv'));
  expect(dataset.labels).toEqual(['boat', 'sand', 'sea']);
  expect(said).toContain('Listed in labels.csv, but not there: 1 (gone.png).');
  expect(said).toContain('Left out, since labels.csv does not list them: 1 (sub/40.png).');
  expect(said).toContain('Labels: 9 of 40 images have several, 13 have none.');

  const settings = { split: 'stratified', validation: 0.25, test: 0.25, limit: null } as const;
  const splits = splitDataset(dataset, { ...settings, seed: 1 });
  for (const { set, indices } of [splits.train, splits.validation, splits.test]) {
    const present = new Set(indices.flatMap((index) => set.labels?.(index) ?? []));
    expect([...present].sort()).toEqual([0, 1, 2]);
  }
});

test('refuses a file of other images, and a label of too few', async () => {
  for (let i = 0; i < 4; i++) await putImage(i, `photos/${i}.png`);
  await put('labels.csv', 'a.png,sea\nb.png,sand\n');
  await expect(open(join(root, 'labels.csv'))).rejects.toThrow('but none is there, such as a.png');
  await put('labels.csv', '0.png,sea\n1.png,sea;sand\n2.png,sea\n3.png,sand\n');
  await expect(open(join(root, 'labels.csv'))).rejects.toThrow(
    'Expected at least 3 different images of sand, but there are 2',
  );
});

test('takes paths from the root of the disk, and knows an image under each of its names', async () => {
  for (let i = 0; i < 6; i++) await putImage(i, `photos/sub/${i}.png`);
  const rows = Array.from({ length: 6 }, (_, i) => [
    `${join(root, 'photos/sub', `${i}.png`)},sea\n`,
    `./sub/${i}.png,${i % 2 ? 'sand' : 'sea'}\n`,
  ]);
  await put('labels.csv', rows.flat().join(''));
  expect(labelsOf(await open(join(root, 'labels.csv')))).toEqual([
    [1],
    [0, 1],
    [1],
    [0, 1],
    [1],
    [0, 1],
  ]);
  expect(said).toContain('Labels: 3 of 6 images have several.');
});

test('says what separates labels where no image has several', async () => {
  for (let i = 0; i < 6; i++) await putImage(i, `photos/${i}.png`);
  const rows = Array.from({ length: 6 }, (_, i) => `${i}.png,${i % 2 ? 'sea|sand' : 'sand'}\n`);
  await put('labels.csv', rows.join(''));
  await open(join(root, 'labels.csv'));
  expect(said).toContain('Labels: 0 of 6 images have several. In the file, ; separates them.');
});
