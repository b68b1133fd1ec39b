import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { DecodingThreads } from './decoding-threads.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder();
});

/** A plain image whose red is its number. */
const plain = (red: number, side = 8) =>
  sharp({
    create: { width: side, height: side, channels: 3, background: { r: red, g: 100, b: 50 } },
  })
    .png()
    .toBuffer();

/** The threads that start from now on. */
function watchThreads(): Worker[] {
  const started: Worker[] = [];
  process.on('worker', (worker) => started.push(worker));
  return started;
}

test('decodes bytes and paths, in as many threads as it may and needs', async () => {
  const started = watchThreads();
  const threads = new DecodingThreads(2);
  const files = await Promise.all([1, 2, 3, 4, 5, 6].map((red) => plain(red)));
  const path = join(folder, 'image');
  await writeFile(path, files[0] as Buffer);
  const first = await threads.decode(path, 32);
  expect(first).toEqual({
    image: { width: 8, height: 8, channels: 3, data: first.image.data },
    width: 8,
    height: 8,
    unserved: null,
  });
  expect([...first.image.data.subarray(0, 6)]).toEqual([1, 100, 50, 1, 100, 50]);
  const sha256 = createHash('sha256')
    .update(files[0] as Buffer)
    .digest('hex');
  // 16×16 pixels of RGB.
  const thumbnail = Buffer.from(Array(256).fill([1, 100, 50]).flat()).toString('base64');
  const found = { width: 8, height: 8, unserved: null, sha256, thumbnail };
  expect(await threads.inspect(path, 32)).toEqual(found);
  expect(started).toHaveLength(1);
  const images = await Promise.all(files.map((file) => threads.decode(file, 32)));
  expect(images.map(({ image }) => image.data[0])).toEqual([1, 2, 3, 4, 5, 6]);
  expect(started).toHaveLength(2);
});

test('goes on after files that cannot be read, with the error of each', async () => {
  const threads = new DecodingThreads(1);
  const good = await plain(7);
  const [none, text, cut, last] = await Promise.allSettled([
    threads.decode(join(folder, 'none'), 32),
    threads.decode(Buffer.from('no image'), 32),
    threads.decode(good.subarray(0, 50), 32),
    threads.decode(good, 32),
  ]);
  expect(none).toMatchObject({ reason: { message: expect.stringContaining('ENOENT') } });
  expect(text).toMatchObject({ reason: { name: 'ImageError', code: 'unsupported_image' } });
  expect(cut).toMatchObject({ reason: { name: 'ImageError', code: 'broken_image' } });
  expect(last).toMatchObject({ value: { width: 8 } });
});

test('blames the end of a thread on the file that it was at, and decodes the others', async () => {
  const started = watchThreads();
  const threads = new DecodingThreads(1);
  await threads.decode(await plain(1), 32);
  const large = await plain(9, 4000);
  const waiting = Promise.allSettled([
    threads.decode(large, 32),
    threads.decode(await plain(2), 32),
    threads.decode(await plain(3), 32),
  ]);
  await started[0]?.terminate();
  const [first, ...others] = await waiting;
  expect(first).toMatchObject({ status: 'rejected', reason: { message: /thread .* has ended/ } });
  expect(others).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
  expect(started).toHaveLength(2);
});

test('keeps a process alive only for files that somebody waits for', async () => {
  const path = join(folder, 'waited-for');
  await writeFile(path, await plain(5));
  const script = `
    import { decodingThreads } from ${JSON.stringify(new URL('decoding-threads.ts', import.meta.url).href)};
    decodingThreads.decode(${JSON.stringify(path)}, 32).then(({ image }) => console.log(image.data[0]));
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout.trim()).toBe('5');
});
