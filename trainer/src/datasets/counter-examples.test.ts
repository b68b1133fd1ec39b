import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { startProgress } from '../files/progress.ts';
import { openCounterExamples } from './counter-examples.ts';
import { openDataset } from './open-dataset.ts';

const SIZE = 8;

async function put(folder: string, ...files: readonly string[]): Promise<void> {
  for (const [i, file] of files.entries()) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    const background = { r: 20 * i, g: 250 - 20 * i, b: 90 };
    await sharp({ create: { width: SIZE, height: SIZE, channels: 3, background } }).toFile(
      join(folder, file),
    );
  }
}

test('are the images of _unknown and _other, which are no classes', async () => {
  const folder = await temporaryFolder();
  await put(folder, 'cat/1.png', 'cat/2.png', 'cat/3.png', 'dog/1.png', 'dog/2.png', 'dog/3.png');
  await put(folder, '_unknown/a.png', '_unknown/deep/b.png', '_other/c.png');
  await writeFile(join(folder, '_unknown/broken.jpg'), 'no image');
  const said: string[] = [];
  const found = await openCounterExamples(folder, SIZE, (line) => said.push(line));
  expect(found?.length).toBe(3);
  expect((await found?.image(1))?.width).toBe(SIZE);
  expect(said[0]).toContain('cannot be read and are left out: 1 (');
  expect(said[0]).toContain('broken.jpg');
  expect(said[1]).toBe('Counter-examples, images of none of the classes: 3.');

  const { signal } = new AbortController();
  const options = {
    strict: false,
    purpose: 'training',
    size: SIZE,
    signal,
    startProgress,
  } as const;
  const dataset = await openDataset(folder, { ...options, say: () => {} });
  expect(dataset.labels).toEqual(['cat', 'dog']);
  expect(dataset.train.length).toBe(6);
});

test('are none where there is no such folder', async () => {
  const folder = await temporaryFolder();
  await put(folder, 'cat/1.png');
  expect(await openCounterExamples(folder, SIZE, () => {})).toBeUndefined();
  expect(await openCounterExamples(null, SIZE, () => {})).toBeUndefined();
});
