import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderWithCache } from '../../fixtures/folders/folder-with-cache.ts';
import { readingOptions } from '../../fixtures/folders/reading-options.ts';
import { openDataset, openRemote } from './open-dataset.ts';

let folder: string;
let server: Server;
let requests: number;
let archive: Buffer;
let url: string;
const said: string[] = [];
const options = readingOptions(said);

beforeEach(async () => {
  folder = await folderWithCache();
  const record = new Uint8Array(3074).fill(1);
  await writeFile(join(folder, 'train.bin'), record);
  await writeFile(join(folder, 'test.bin'), record);
  await writeFile(join(folder, 'fine_label_names.txt'), 'apple\nbaby\n');
  const file = join(folder, 'tiny.tar.gz');
  await create({ gzip: true, file, cwd: folder }, [
    'train.bin',
    'test.bin',
    'fine_label_names.txt',
  ]);
  archive = await readFile(file);
  requests = 0;
  server = createServer((_, response) => {
    requests += 1;
    response.end(archive);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar-100-binary.tar.gz`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

test('downloads a data set once', async () => {
  const remote = { url, md5: createHash('md5').update(archive).digest('hex') };
  const first = await openRemote(remote, options);
  expect(first).toMatchObject({ id: 'cifar100', labels: ['apple', 'baby'] });
  expect(said.at(-1)).toMatch(/^Downloading http.* \(once, to .*cifar-100-binary\.tar\.gz\)\.$/);
  expect((await openRemote(remote, options)).hash).toBe(first.hash);
  expect(requests).toBe(1);
});

test('keeps nothing with another checksum', async () => {
  await expect(openRemote({ url, md5: '0'.repeat(32) }, options)).rejects.toMatchObject({
    code: 'download_failed',
  });
  expect(existsSync(join(folder, '.cache/datasets/cifar-100-binary.tar.gz'))).toBe(false);
});

test('knows a data set by its name, its files, or its folders', async () => {
  expect((await openDataset('cifar10', options)).title).toBe('CIFAR-10');
  expect((await openDataset(folder, options)).title).toBe('CIFAR-100');
  await expect(openDataset(join(folder, 'none'), options)).rejects.toThrow(
    /^Expected a folder of photos at .*none, but there is nothing by that name: pass .*\.$/,
  );
});

test('refuses labels of images that have their own', async () => {
  await expect(openDataset(null, { ...options, labels: 'folders' })).rejects.toThrow(
    'Expected a folder of images after --data, since --labels says which labels they have, but got cifar10.',
  );
});
