import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { classifyResponse } from 'shared/contract/responses';
import sharp from 'sharp';
import { openCifar10 } from 'trainer/datasets/cifar';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { writeClassFolders } from '../../trainer/fixtures/folders/write-class-folders.ts';
import { startChromium } from '../../trainer/fixtures/start-chromium.ts';
import { graft, withPageOf } from './graft.ts';
import { makeFolder, startWorker } from './serve.ts';

// The way to a better model, by the commands that a person types: train, serve, pull what the model doubted, label it
// in a browser, train again, compare, promote, and take it back.

const key = 'a-key-for-tests';
// The commands that these tests run have it.
vi.stubEnv('GRAFT_API_KEY', key);

let folder: string;
let photos: string;
let places: string[];
let browser: Browser;

beforeAll(async () => {
  folder = await makeFolder();
  photos = join(folder, 'photos');
  places = ['--models', join(folder, 'public/models')];
  await writeClassFolders(photos, ['airplane', 'cat', 'ship'], 30);
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The head alone, in seconds. */
function train(...more: string[]): Promise<string> {
  const recipe = ['--config', 'smoke', '--stage2.epochs', '0', '--stage2.minSteps', '0'];
  const runs = ['--runs', join(folder, 'runs')];
  return graft('train', '--data', photos, '--id', 'pets', ...recipe, ...places, ...runs, ...more);
}

type Classify = (image: Uint8Array) => Promise<ReturnType<typeof classifyResponse.parse>>;

/** Serves the models as they are now, and stops after the work. */
async function whileServing<Result>(
  work: (classify: Classify, origin: string) => Promise<Result>,
): Promise<Result> {
  const worker = await startWorker(folder, 'src/index.ts', {
    vars: { API_KEY_HASHES: createHash('sha256').update(key).digest('hex') },
    r2_buckets: [{ binding: 'FEEDBACK', bucket_name: 'feedback' }],
  });
  const { url } = await worker.listen();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'image/png' };
  try {
    const classify: Classify = async (image) => {
      const init = { method: 'POST', headers, body: Uint8Array.from(image) };
      const response = await fetch(new URL('/classify', url), init);
      return classifyResponse.parse(await response.json());
    };
    return await work(classify, `${url}`);
  } finally {
    await worker.close();
  }
}

/** Test images of a class. */
async function* imagesOf(name: string): AsyncGenerator<Buffer> {
  const { test: images, labels } = await openCifar10();
  for (let index = 0; index < 500; index++) {
    if (labels[images.label(index)] !== name) continue;
    const { data, ...raw } = await images.image(index);
    yield sharp(data, { raw }).png().toBuffer();
  }
}

/** What `graft review` is for: says of the first image from production what it shows. */
async function labelFirst(label: string): Promise<void> {
  const runs = ['--runs', join(folder, 'runs')];
  await withPageOf(['review', 'pets', '--data', photos, ...places, ...runs], async (url) => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.locator('#kind').selectOption('from production');
    await page.keyboard.press('m');
    await page.getByRole('combobox', { name: 'Move to class' }).fill(label);
    await page.keyboard.press('Enter');
    await vi.waitFor(async () => {
      const names = await readdir(join(photos, label));
      expect(names.filter((name) => name.startsWith('feedback-'))).toHaveLength(1);
    }, 20_000);
    await page.close();
  });
}

test('what a model doubts makes the next one, which is compared, promoted and taken back', async () => {
  await train();
  const first = await whileServing(async (classify, origin) => {
    let kept: Awaited<ReturnType<Classify>> | undefined;
    for await (const image of imagesOf('cat')) {
      kept = await classify(image);
      if (kept.feedback) break;
    }
    expect(kept?.feedback).toBeDefined();
    // It is kept after the response.
    await vi.waitFor(async () => {
      const said = await graft('feedback', 'pull', '--worker', origin, '--to', photos);
      expect(said).toContain('there are 1 in ');
    }, 30_000);
    return kept?.model.version;
  });

  await labelFirst('cat');
  expect(await train('--candidate')).toContain('Reviewed images: 1 added from production.');
  const models = await readdir(join(folder, 'public/models'));
  const candidate = models.find((name) => name.startsWith('pets@')) ?? '';
  const second = candidate.slice('pets@'.length);
  expect(second).toMatch(/^[0-9a-f]{12}$/);
  expect(second).not.toBe(first);

  const compared = ['--data', photos, ...places];
  expect(await graft('evaluate', candidate, '--against', 'pets', ...compared)).toContain(
    "The difference may be chance (McNemar's test, p",
  );
  const { value: image } = await imagesOf('ship').next();
  const served = () => whileServing(async (classify) => (await classify(image)).model.version);
  expect(await graft('promote', candidate, ...compared)).toContain(
    `${candidate} is the current version; before it was ${first}.`,
  );
  expect(await served()).toBe(second);
  expect(await graft('rollback', 'pets', ...places)).toContain(
    `The current version of pets is ${first}`,
  );
  expect(await served()).toBe(first);
}, 600_000);
