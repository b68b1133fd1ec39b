import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, expect, test } from 'vitest';
import { folderWithCache } from '../../../fixtures/folders/folder-with-cache.ts';
import { readingOptions } from '../../../fixtures/folders/reading-options.ts';
import { openImageFolder } from '../folders/image-folder.ts';

let root: string;
let said: string[];
beforeEach(async () => {
  root = await folderWithCache();
  said = [];
  await mkdir(join(root, 'images'));
  for (let i = 0; i < 8; i++) {
    const background = { r: 30 * i, g: 100, b: 50 };
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    await writeFile(join(root, 'images', `${i}.png`), await image.png().toBuffer());
  }
});

async function open(rows: string) {
  const list = join(root, 'list.csv');
  await writeFile(list, rows);
  return openImageFolder(list, readingOptions(said));
}

const rowsOf = (labels: readonly string[]) =>
  labels.map((label, i) => `images/${i}.png,${label}\n`).join('');

test('takes a list for the classes of the images beside it', async () => {
  const { labels, train } = await open(
    `file,label\n${rowsOf(['sea', 'sand', 'sea', 'sand', 'sea', 'sand', ''])}`,
  );
  expect(labels).toEqual(['sand', 'sea']);
  expect(Array.from({ length: train.length }, (_, at) => train.label(at))).toEqual([
    1, 0, 1, 0, 1, 0,
  ]);
  expect(train.labels).toBeUndefined();
  expect(said).toContain('Left out, since list.csv gives them no label: 1 (images/6.png).');
  expect(said).toContain('Left out, since list.csv does not list them: 1 (images/7.png).');
  expect(said).toContain('Training images: sand 3, sea 3.');
});

const shades = ['sea', 'sand', 'sea', 'sand', 'sea', 'sand', 'sea', 'sand'];

test.each([
  ['their names', (i: number) => `${i}.png`],
  ['their names without extension', (i: number) => `${i}`],
  ['paths on Windows', (i: number) => `C:\\me\\images\\${i}.png`],
  ['paths on another machine', (i: number) => `/home/me/images/${i}.png`],
  ['their names in another case', (i: number) => `./${i}.PNG`],
])('finds the images in a folder below by %s', async (_, nameOf) => {
  const rows = shades.map((label, i) => `${nameOf(i)},${label}\n`).join('');
  const { labels, train } = await open(`id,place\n${rows}`);
  expect(labels).toEqual(['sand', 'sea']);
  expect(train.length).toBe(8);
  expect(said).toContain(
    `Found by the ends of their paths: 8 (images/0.png for ${nameOf(0)} and 7 more).`,
  );
});

test('never takes an image of another folder for one that is listed', async () => {
  const rows = shades.map((label, i) => `photos/${i}.png,${label}\n`).join('');
  await expect(open(rows)).rejects.toThrow(/such as photos\/0\.png: put the list beside them\.$/);
});

test('refuses two names that end like the path of one image', async () => {
  const rows = shades.map((label, i) => `/${label}/images/${i % 4}.png,${label}\n`).join('');
  await expect(open(`${rows}/x/images/0.png,sea\n`)).rejects.toThrow(
    /^Expected one name for images\/0\.png in .*, but .*sea\/images\/0\.png and .*x\/images\/0\.png both end as it does/,
  );
});

test('takes paths from the folder above', async () => {
  const name = basename(root);
  const { train } = await open(rowsOf(shades).replaceAll('images/', `${name}/images/`));
  expect(train.length).toBe(8);
});

test('refuses a name that two folders have', async () => {
  await cp(join(root, 'images'), join(root, 'test'), { recursive: true });
  await expect(open(shades.map((label, i) => `${i}.png,${label}\n`).join(''))).rejects.toThrow(
    /^Expected one image 0\.png in .*, but there are several, images\/0\.png, test\/0\.png: write its folder and its extension, or put/,
  );
});

test('refuses several labels of an image, and says what takes them', async () => {
  const rows = rowsOf(['sea', 'sand', 'sea', 'sand', 'sea;sand', 'sand', 'sea']);
  await expect(open(rows)).rejects.toThrow(
    /^Expected one label in line 5 of .*list\.csv, but there are several: for images of several labels pass --labels /,
  );
});

test.each([
  [
    ['sea', 'sea', 'sea', 'Sea ', 'sand', 'sand', 'sand'],
    'or move them to sea if they show the same.',
  ],
  [['a', 'a', 'a', 'b', 'c', 'c', 'c'], 'or remove the class.'],
  [
    ['a', 'b', 'c', 'd', 'e', 'e', 'e'],
    'or remove the class; as few of b, c, d: is each folder a class?',
  ],
])('says of classes with few images what may be meant: %j', async (labels, hint) => {
  await expect(open(rowsOf(labels))).rejects.toThrow(hint);
});
