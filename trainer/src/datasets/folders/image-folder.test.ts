import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp, { type Sharp } from 'sharp';
import { beforeEach, expect, test, vi } from 'vitest';
import { readingOptions } from '../../../fixtures/folders/reading-options.ts';
import { type ImageFolderOptions, openImageFolder } from './image-folder.ts';

let root: string;
let cache: string;
let said: string[];
beforeEach(async () => {
  root = await temporaryFolder();
  cache = await temporaryFolder();
  vi.stubEnv('GRAFT_CACHE', cache);
  said = [];
});

const open = (options: Partial<ImageFolderOptions> = {}) =>
  openImageFolder(root, {
    ...readingOptions(said),
    ...options,
  });

async function put(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** A plain image whose bytes depend on the shade. */
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
  expect(id).toBe(basename(root).toLowerCase());
  expect(Array.from({ length: train.length }, (_, index) => train.label(index))).toEqual([
    0, 0, 0, 1, 1, 1,
  ]);
  expect([validation, last]).toEqual([null, null]);
  const first = await train.image(0);
  expect([first.width, first.height, first.channels, ...first.data.subarray(0, 3)]).toEqual([
    8, 8, 3, 4, 100, 50,
  ]);
  expect(said).toEqual(['Training images: cat 3, dog 3.']);
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

test('takes every kind of image: grey, CMYK, 16-bit, transparent, rotated, large, misnamed', async () => {
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
  const images = await Promise.all(Array.from({ length: 8 }, (_, i) => train.image(3 + i)));
  expect(
    images.map(({ channels, data, width, height }) => data.length / width / height / channels),
  ).toEqual(Array(8).fill(1));
  // In the order of their names: clear is white now, large has shrunk, rotated stands upright.
  const [clearOne, , , , large, , , rotated] = images;
  expect([...(clearOne?.data.subarray(0, 3) ?? [])]).toEqual([255, 255, 255]);
  expect([large?.width, large?.height]).toEqual([200, 150]);
  expect([rotated?.width, rotated?.height]).toEqual([8, 16]);
});

test('skips what is no image, and says so', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  await put('cat/notes.jpg', 'no image');
  await put('cat/IMG_1.HEIC', '\0\0\0\x18ftypheic');
  const whole = await plain(7, { width: 200, height: 200 }).jpeg().toBuffer();
  await put('dog/cut.jpg', whole.subarray(0, whole.length / 2));
  await put('dog/empty.png', '');
  const { train } = await open();
  expect(train.length).toBe(6);
  expect(said.slice(0, 2)).toEqual([
    'Skipped: 1 (cat/IMG_1.HEIC). The image is damaged or incomplete; send a file that other programs can open.',
    'Skipped: 1 (cat/notes.jpg). The file is not a JPEG, PNG, WebP, AVIF or GIF image; send one of these.',
  ]);
  expect(said[2]).toMatch(/^Skipped: 1 \(dog\/cut\.jpg\)\. The image /);
  expect(said[3]).toBe(
    'Skipped: 1 (dog/empty.png). The file is empty; send a JPEG, PNG, WebP, AVIF or GIF.',
  );
  expect(said).toHaveLength(5);
  await expect(open({ strict: true })).rejects.toThrow(
    /^Expected an image at (cat|dog)\/.*--strict/,
  );
});

test('trains on what the Worker does not read, but for drawings, and says so', async () => {
  await putClass('cat', [1, 2]);
  await putClass('dog', [4, 5, 6]);
  await put(
    'cat/scan.tiff',
    await plain(3, { width: 640, height: 480 }).tiff({ compression: 'lzw' }).toBuffer(),
  );
  await put('cat/drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const { train } = await open();
  expect(train.length).toBe(6);
  // Reduced by the same rule.
  const scan = await train.image(2);
  expect([scan.width, scan.height, ...scan.data.subarray(0, 3)]).toEqual([91, 68, 3, 100, 50]);
  const instead = 'send a JPEG, PNG, WebP, AVIF or GIF.';
  expect(said.slice(0, 2)).toEqual([
    `Skipped: 1 (cat/drawing.svg). The file is an SVG drawing; ${instead}`,
    `Used in training, but the Worker will refuse these: 1 (cat/scan.tiff). The file is a TIFF image; ${instead}`,
  ]);
  said = [];
  await open();
  expect(said).toHaveLength(3);
});

test('reads more of a large image for a larger input', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  await put('dog/large.png', await plain(13, { width: 1600, height: 1200 }).png().toBuffer());
  const { train } = await open();
  const widths = [32, 64, 600].map(async (size) => (await train.image(6, size)).width);
  expect(await Promise.all(widths)).toEqual([88, 177, 1600]);
  expect((await train.image(6)).width).toBe(88);
});

test('reports repeated images and imbalanced classes', async () => {
  await putClass('train/cat', [1, 2, 3]);
  await putClass(
    'train/dog',
    Array.from({ length: 24 }, (_, shade) => shade + 20),
  );
  await mkdir(join(root, 'test/cat'), { recursive: true });
  await copyFile(join(root, 'train/cat/2.png'), join(root, 'test/cat/again.png'));
  await copyFile(join(root, 'train/dog/30.png'), join(root, 'train/cat/wrong.png'));
  await copyFile(join(root, 'train/dog/31.png'), join(root, 'train/dog/twice.png'));
  await open();
  expect(said).toEqual([
    'In two splits, byte for byte, so accuracy will look better than it is: 1 (test/cat/again.png = train/cat/2.png).',
    'In two classes, byte for byte, so one of the labels must be wrong: 1 (train/dog/30.png = train/cat/wrong.png).',
    'More than once, byte for byte; copies go into the same split: 1 (train/dog/twice.png = train/dog/31.png).',
    'The classes are imbalanced, 25 images to 4: the rare ones will be predicted too seldom. Pass --stage1.classWeights balanced and --stage2.classWeights balanced to weight all classes equally.',
    'Training images: cat 4, dog 25.',
  ]);
});

test('keeps photos together that are nearly the same, and lists them', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  const coffee = sharp(new URL('../../../../shared/fixtures/coffee.png', import.meta.url).pathname);
  await coffee.clone().resize(120).toFile(join(root, 'cat/cup.jpg'));
  await coffee.clone().resize(90).toFile(join(root, 'dog/cup.png'));
  await coffee.clone().resize(150).jpeg({ quality: 30 }).toFile(join(root, 'dog/mug.jpg'));
  const { train } = await open();
  const groups = Map.groupBy(Array(train.length).keys(), (index) => train.group?.(index));
  expect([...groups.values()].map(({ length }) => length).sort()).toEqual([1, 1, 1, 1, 1, 1, 3]);
  const line = said.find((one) => one.startsWith('Nearly the same')) as string;
  expect(line).toMatch(
    /: 2; they go into the same split; [12] between two classes, .* All pairs are in /,
  );
  const list = await readFile(line.split('All pairs are in ')[1]?.slice(0, -1) as string, 'utf8');
  expect(list.split('\n')).toHaveLength(4);
});

test('splits a class whose photos are all nearly the same, and says so', async () => {
  await putClass('cat', [1, 2, 3]);
  await mkdir(join(root, 'cup'));
  const coffee = sharp(new URL('../../../../shared/fixtures/coffee.png', import.meta.url).pathname);
  for (const width of [90, 120, 150]) {
    await coffee
      .clone()
      .resize(width)
      .toFile(join(root, `cup/${width}.jpg`));
  }
  const { train } = await open();
  const groups = Array.from({ length: train.length }, (_, index) => train.group?.(index));
  expect(new Set(groups).size).toBe(6);
  expect(said).toContainEqual(expect.stringMatching(/^Nearly all images are the same in cup, /));
});

test('counts copies once where a class needs so many images', async () => {
  await putClass('cat', [1, 2]);
  await putClass('dog', [4, 5, 6]);
  await copyFile(join(root, 'cat/2.png'), join(root, 'cat/again.png'));
  await expect(open()).rejects.toThrow(
    /at least 3 different images of cat, but there are 2, not counting copies \(1\):/,
  );
  await putClass('cat', [3]);
  const { train } = await open();
  expect([0, 1, 2, 3].map((index) => train.group?.(1) === train.group?.(index))).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

test('its hash changes with the images and stays otherwise', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  const { hash } = await open();
  expect((await open()).hash).toBe(hash);
  await putClass('dog', [7]);
  expect((await open()).hash).not.toBe(hash);
});

test('reads the categories of Places365, in their order', async () => {
  await put(
    'categories_places365.txt',
    '/a/airfield 0\n/b/barn 1\n/f/forest/broadleaf 2\n/z/zen_garden 3\n',
  );
  await putClass('train/zen_garden', [1, 2, 3]);
  await putClass('train/a/airfield', [4, 5, 6]);
  await putClass('train/forest-broadleaf', [7, 8, 9]);
  await putClass('val/a/airfield', [10]);
  const { labels, train, validation } = await open();
  expect(labels).toEqual(['airfield', 'forest/broadleaf', 'zen_garden']);
  expect([train.length, train.label(3), (await train.image(3)).data[0]]).toEqual([9, 1, 7]);
  expect([validation?.length, validation?.label(0)]).toEqual([1, 0]);
  expect(said[0]).toBe('Categories without a folder, which are left out: 1 (barn).');
});

test('reads again only files that have changed, and forgets those that are gone', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  await put('dog/broken.png', 'no image');
  const { hash } = await open();
  const [file] = (await readdir(join(cache, 'folders'))) as [string];
  const path = join(cache, 'folders', file);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(7);
  // What it takes from the cache it does not read: here, another size of an image.
  const changed = lines.map((line) => line.replace('"width":8', '"width":800'));
  await writeFile(path, `${changed.join('\n')}\n{"path": "cut off by a ki`);
  expect((await open()).hash).toBe(hash);
  expect(said.filter((line) => line.includes('broken.png'))).toHaveLength(2);
  expect((await readFile(path, 'utf8')).includes('"width":800')).toBe(true);

  await put('dog/6.png', await plain(60).png().toBuffer());
  await rm(join(root, 'dog/broken.png'));
  const again = await open();
  expect(again.hash).not.toBe(hash);
  expect((await again.train.image(5)).data[0]).toBe(60);
  expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(6);
});

test('gives the same images when they are read ahead', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  await put('dog/large.jpg', await plain(13, { width: 1600, height: 1200 }).jpeg().toBuffer());
  const { train } = await open();
  const read = () => Promise.all([6, 0, 3].map((index) => train.image(index)));
  const plainly = await read();
  train.prefetch?.([6, 0, 3]);
  expect(await read()).toEqual(plainly);
});

test('does not hold the images of a large folder in memory', async () => {
  const images = 2000;
  const file = await plain(1, { width: 200, height: 200 }).jpeg().toBuffer();
  await mkdir(join(root, 'cat'));
  await mkdir(join(root, 'dog'));
  for (let number = 0; number < images; number++) {
    // Bytes of its own after the end, so that none is a repeat.
    const own = Buffer.from(`${number}`);
    await writeFile(
      join(root, number % 2 ? 'cat' : 'dog', `${number}.jpg`),
      Buffer.concat([file, own]),
    );
  }
  const { train } = await open({ size: 64 });
  expect(train.length).toBe(images);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const megabytesAfterEpoch = async () => {
    const all = Array.from({ length: images }, (_, index) => index);
    for (let begin = 0; begin < images; begin += 32) {
      train.prefetch?.(all.slice(begin, begin + 32));
      for (const index of all.slice(begin, begin + 32)) await train.image(index);
    }
    // Memory that threads have filled is given back a turn later.
    for (let turn = 0; turn < 3; turn++) {
      collect();
      await setImmediate();
    }
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 1e6;
  };
  const first = await megabytesAfterEpoch();
  const second = await megabytesAfterEpoch();
  // All images would be 240 MB.
  expect(second - first).toBeLessThan(20);
});

test('says so where an image has gone meanwhile', async () => {
  await putClass('cat', [1, 2, 3]);
  await putClass('dog', [4, 5, 6]);
  const { train } = await open();
  await rm(join(root, 'cat/2.png'));
  await expect(train.image(1)).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(/cat\/2\.png as it was .* --resume\.$/),
  });
});

test.each([
  ['one class', ['cat/1.png', 'cat/2.png', 'cat/3.png'], /two at least, but it has 1/],
  [
    'too few images',
    ['cat/1.png', 'dog/2.png', 'dog/3.png', 'dog/4.png'],
    /at least 3 different images of cat, but there are 1:/,
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

test.each([
  ['valid', 'validation'],
  ['test', 'test'],
])('refuses an empty folder %s', async (name, split) => {
  await putClass('train/cat', [1, 2, 3]);
  await putClass('train/dog', [4, 5, 6]);
  await put(`${name}/cat/broken.png`, 'no image');
  await expect(open()).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: `Expected images in the ${split} folder of ${root}, but there are none: add some, or remove the folder, and they will be drawn from the training images.`,
  });
});

test('refuses a folder that is not there', async () => {
  await expect(
    openImageFolder(fileURLToPath(new URL('none', import.meta.url)), readingOptions(said)),
  ).rejects.toThrow(expect.objectContaining({ code: 'dataset_invalid' }));
});
