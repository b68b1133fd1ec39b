import { createHash } from 'node:crypto';
import { readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { pullFeedback } from 'trainer/jobs/pull-feedback';
import { connectToWorker } from 'trainer/jobs/worker-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChromium } from '../../trainer/fixtures/start-chromium.ts';
import { makeFolder, startWorker } from '../e2e/serve.ts';
import { choose, desktop, fixture, labels } from './visit.ts';

// A visitor corrects an image that the Worker has kept, and `graft feedback pull` brings both.

const key = 'a-key-for-tests';
let folder: string;
let worker: Awaited<ReturnType<typeof startWorker>>;
let browser: Browser;
let origin: string;

beforeAll(async () => {
  folder = await makeFolder();
  await symlink(fileURLToPath(new URL('../public', import.meta.url)), join(folder, 'public'));
  worker = await startWorker(folder, 'src/index.ts', {
    vars: { API_KEY_HASHES: createHash('sha256').update(key).digest('hex') },
    r2_buckets: [{ binding: 'FEEDBACK', bucket_name: 'feedback' }],
  });
  origin = `${(await worker.listen()).url}`;
  browser = await startChromium();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await worker?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test('what a visitor says of a kept image comes into the folder with it', async () => {
  const context = await browser.newContext({ baseURL: origin, ...desktop });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByText('some that the model doubts are kept for a while').waitFor();
  const wrong = page.locator('#wrong');
  expect(await wrong.isVisible()).toBe(false);
  await choose(page, 'chelsea');
  await page.locator('#key:focus').waitFor();
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  expect((await labels(page))[0]).toBe('Egyptian cat');
  await wrong.waitFor();
  await page.getByLabel('What it shows').fill('our cat, Chelsea');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('Thank you.').waitFor();
  await context.close();

  const send = connectToWorker(origin, key);
  const photos = join(folder, 'photos');
  expect(await pullFeedback(send, photos)).toMatchObject({ images: 1, added: 1 });
  const pulled = join(photos, '_feedback');
  const [line, ...others] = (await readFile(join(pulled, 'feedback.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  expect(others).toEqual([]);
  expect(line).toEqual({
    file: expect.stringMatching(/^[0-9a-f]{24}\.png$/),
    predicted: 'Egyptian_cat',
    score: expect.any(Number),
    probability: expect.any(Number),
    label: 'our cat, Chelsea',
    model: 'imagenet',
    version: expect.stringMatching(/^[0-9a-f]{12}$/),
    at: expect.any(String),
  });
  expect((await readdir(pulled)).sort()).toEqual([line.file, 'feedback.jsonl'].sort());
  expect(await readFile(join(pulled, line.file))).toEqual(await readFile(fixture('chelsea')));

  // Again, nothing is doubled.
  expect(await pullFeedback(send, photos)).toMatchObject({ images: 1, added: 0 });
  await expect(pullFeedback(connectToWorker(origin, 'wrong'), photos)).rejects.toThrow(
    'refused: This service needs an API key',
  );
});
