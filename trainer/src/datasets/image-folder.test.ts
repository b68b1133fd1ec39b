import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ImageFolderOptions, openImageFolder } from './image-folder.ts';

let root: string;
let said: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'graft-folder-'));
  said = [];
});
afterEach(() => rm(root, { recursive: true }));

const open = (options: Partial<ImageFolderOptions> = {}) =>
  openImageFolder(root, {
    size: 32,
    strict: false,
    signal: new AbortController().signal,
    say: (line) => said.push(line),
    startProgress: () => ({ advance: () => {}, stop: () => {} }),
    ...options,
  });

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** A plain picture whose bytes depend on the shade. */
function plain(shade: number, { width = 8, height = 8 } = {}): Sharp {
  const background = { r: shade, g: 100, b: 50 };
  return sharp({ create: { width, height, channels: 3, background } });
}

async function putClass(folder: string, shades: readonly number[]): Promise<void> {
  for (const shade of shades)
    await put(`${folder}/${shade}.png`, await plain(shade).png().toBuffer());
}

test('reads class folders, nested ones too, in the order of their names', async () => {
  await putClass('dog', [1, 2, 3]);
  await putClass('cat/indoors', [4, 5, 6]);
  await put('cat/.DS_Store', 'hidden');
  const { labels, train, validation, test: last, id } = await open();
  expect(labels).toEqual(['cat', 'dog']);
  expect(id).toMatch(/^graft-folder-/);
  expect(Array.from({ length: train.length }, (_, index) => train.label(index))).toEqual([
    0, 0, 0, 1, 1, 1,
  ]);
  expect([validation, last]).toEqual([null, null]);
  const first = await train.picture(0);
  expect([first.width, first.height, first.channels, ...first.data.subarray(0, 3)]).toEqual([
    8, 8, 3, 4, 100, 50,
  ]);
  expect(said).toEqual(['Pictures to train on: cat 3, dog 3.']);
});

test('reads train, valid and test folders', async () => {
  for (const [split, shade] of [
    ['train', 1],
    ['valid', 50],
    ['Test', 100],
  ] as const) {
    await putClass(`${split}/cat`, [shade, shade + 1, shade + 2]);
    await putClass(`${split}/dog`, [shade + 10, shade + 11, shade + 12]);
  }
  const { train, validation, test: last } = await open();
  expect([train.length, validation?.length, last?.length]).toEqual([6, 6, 6]);
});

test('takes every kind of picture: grey, CMYK, 16-bit, transparent, rotated, large, misnamed', async () => {
  await putClass('a', [1, 2, 3]);
  await put('b/grey.png', await plain(9).greyscale().png().toBuffer());
  await put('b/cmyk.jpg', await plain(10).toColourspace('cmyk').jpeg().toBuffer());
  await put('b/deep.png', await plain(11).toColourspace('rgb16').png().toBuffer());
  const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: '#0000' } });
  await put('b/clear.webp', await clear.webp().toBuffer());
  const wide = plain(12, { width: 16, height: 8 });
  await put('b/rotated.jpg', await wide.withMetadata({ orientation: 6 }).jpeg().toBuffer());
  await put('b/large.jpg', await plain(13, { width: 1600, height: 1200 }).jpeg().toBuffer());
  await put('b/misnamed.txt', await plain(14).gif().toBuffer());
  await put('b/modern.avif', await plain(15).avif().toBuffer());
  const { train } = await open();
  const pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => train.picture(3 + i)));
  expect(
    pictures.map(({ channels, data, width, height }) => data.length / width / height / channels),
  ).toEqual(Array(8).fill(1));
  // In the order of their names: clear is white now, large has shrunk, rotated stands upright.
  const [clearOne, , , , large, , , rotated] = pictures;
  expect([...(clearOne?.data.subarray(0, 3) ?? [])]).toEqual([255, 255, 255]);
  expect([large?.width, large?.height]).toEqual([85, 64]);
  expect([rotated?.width, rotated?.height]).toEqual([8, 16]);
});

test('skips what is no picture, and says so', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  await put('cat/notes.txt', 'no picture');
  const whole = await plain(7, { width: 200, height: 200 }).jpeg().toBuffer();
  await put('dog/cut.jpg', whole.subarray(0, whole.length / 2));
  await put('dog/empty.png', '');
  const { train } = await open();
  expect(train.length).toBe(6);
  expect(said[0]).toBe(
    'Skipped 3 files that are damaged or no pictures: cat/notes.txt, dog/cut.jpg, dog/empty.png.',
  );
  await expect(open({ strict: true })).rejects.toThrow(
    /^Expected a picture at (cat|dog)\/.*--strict/,
  );
});

test('reports repeated pictures and classes out of balance', async () => {
  await putClass('train/cat', [1, 2, 3]);
  await putClass(
    'train/dog',
    Array.from({ length: 16 }, (_, shade) => shade + 20),
  );
  await mkdir(join(root, 'test/cat'), { recursive: true });
  await copyFile(join(root, 'train/cat/2.png'), join(root, 'test/cat/again.png'));
  await open();
  expect(said.join('\n')).toMatch(/out of balance, 16 pictures to 3/);
  expect(said.join('\n')).toMatch(/1 pictures are there more than once.*test\/cat\/again\.png/);
});

test('its hash changes with the pictures and stays otherwise', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  const { hash } = await open();
  expect((await open()).hash).toBe(hash);
  await putClass('dog', [7]);
  expect((await open()).hash).not.toBe(hash);
});

test.each([
  ['one class', ['cat/1.png', 'cat/2.png', 'cat/3.png'], /two at least, but it has 1/],
  [
    'too few pictures',
    ['cat/1.png', 'dog/2.png', 'dog/3.png', 'dog/4.png'],
    /at least 3 pictures of cat, but there are 1/,
  ],
  [
    'a class that only the test has',
    ['train/cat/1.png', 'train/dog/2.png', 'test/cow/3.png'],
    /it also has cow/,
  ],
])('refuses %s', async (_, paths, message) => {
  for (const [shade, path] of paths.entries()) await put(path, await plain(shade).png().toBuffer());
  await expect(open()).rejects.toThrow(message);
});

test('refuses a folder that is not there', async () => {
  await expect(
    openImageFolder(fileURLToPath(new URL('none', import.meta.url)), {
      size: 32,
      strict: false,
      signal: new AbortController().signal,
      say: () => {},
      startProgress: () => ({ advance: () => {}, stop: () => {} }),
    }),
  ).rejects.toThrow(expect.objectContaining({ code: 'dataset_invalid' }));
});
