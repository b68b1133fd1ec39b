import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { folderWithCache } from '../../../fixtures/folders/folder-with-cache.ts';
import { ScanCache } from './scan-cache.ts';

let folder: string;
beforeEach(async () => {
  folder = await folderWithCache();
});

test('knows what the same decoders have found in the same file, and nothing else', async () => {
  const file = join(folder, 'a.png');
  await writeFile(file, 'one');
  const found = {
    path: 'a.png',
    sha256: 'ab',
    thumbnail: 'AA==',
    reason: null,
    width: 4,
    height: 3,
  };
  const first = await ScanCache.open(folder, 'decoders 1');
  await first.add(found, await stat(file));
  await first.close();

  const again = await ScanCache.open(folder, 'decoders 1');
  expect(again.find('a.png', await stat(file))).toMatchObject(found);
  expect(again.find('b.png', await stat(file))).toBeUndefined();
  const others = await ScanCache.open(folder, 'decoders 2');
  expect(others.find('a.png', await stat(file))).toBeUndefined();
  await writeFile(file, 'three');
  expect(again.find('a.png', await stat(file))).toBeUndefined();
});
