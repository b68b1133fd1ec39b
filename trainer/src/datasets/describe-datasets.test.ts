import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, expect, test } from 'vitest';
import { folderWithCache } from '../../fixtures/folders/folder-with-cache.ts';
import { describeDataset, formatDataset, listDatasets } from './describe-datasets.ts';

let root: string;
beforeEach(async () => {
  root = await folderWithCache();
});

const describe = async (data: string) =>
  formatDataset(
    await describeDataset(data, {
      size: 32,
      strict: false,
      signal: new AbortController().signal,
      say: () => {},
      startProgress: () => ({ advance: () => {}, stop: () => {} }),
    }),
  );

async function put(folder: string, shades: readonly number[], width = 8): Promise<void> {
  await mkdir(join(root, folder), { recursive: true });
  for (const shade of shades) {
    const background = { r: shade, g: 100, b: 50 };
    await sharp({ create: { width, height: 8, channels: 3, background } })
      .png()
      .toFile(join(root, folder, `${shade}.png`));
  }
}

test('lists what it knows', () => {
  expect(listDatasets()).toMatch(/^cifar10 {3}CIFAR-10: .*\ncifar100 {2}CIFAR-100: .*\n<path> /);
});

test('says what is in a folder, also where it is too little to train on', async () => {
  await put('train/cat', [1, 2]);
  await put('train/dog', [3, 4, 5], 20);
  await put('test/cat', [2]);
  await writeFile(join(root, 'train/dog/broken.jpg'), 'no image');
  expect(await describe(root)).toBe(
    [
      '     train  validation  test',
      'cat      2                 1',
      'dog      3                 0',
      'all      5       drawn     1',
      'Pixels: 8×8 to 20×8, half of them 8×8 at most.',
      'Skipped: 1 (train/dog/broken.jpg). The file is not a JPEG, PNG, WebP, AVIF or GIF image; send one of these.',
      'In two splits, byte for byte, so accuracy will look better than it is: 1 (test/cat/2.png = train/cat/2.png).',
    ].join('\n'),
  );
});

test('counts a data set that it knows by name', async () => {
  const table = await describe('cifar10');
  expect(table).toMatch(/\ntruck +5000 +1000\nall +50000 +drawn +10000$/);
});
