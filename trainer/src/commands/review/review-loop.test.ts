import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { headOnly, trainingOf } from '../../../fixtures/commands/head-only-training.ts';
import { folderWithBackends } from '../../../fixtures/folders/folder-with-cache.ts';
import { writeClassFolders } from '../../../fixtures/folders/write-class-folders.ts';
import { startChromium } from '../../../fixtures/start-chromium.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { decisionsIn } from '../../datasets/decisions/decisions.ts';
import { openReview } from '../../review/open-review.ts';
import { serveReview } from '../../review/serve-review.ts';
import { ReviewSession } from '../../review/session.ts';
import { trainInStages } from '../training/train-in-stages.ts';
import { openTrained } from './open-trained.ts';

const { signal } = new AbortController();
/** Pixels of the last features, in `headOnly`. */
const PIXELS = 2 * 2;

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

let root: string;
beforeEach(async () => {
  root = await folderWithBackends();
  await putImages();
});

/** Images of CIFAR-10, of which two cats are in the folder of airplanes. */
async function putImages(): Promise<void> {
  await writeClassFolders(join(root, 'photos'), ['airplane', 'cat', 'ship'], 30);
  for (const number of [3, 4]) {
    const wrong = join(root, 'photos/airplane', `cat-${number}.png`);
    await rename(join(root, 'photos/cat', `${number}.png`), wrong);
  }
}

test('trains, finds wrong labels, has them put right in a browser, and trains with the decisions', async () => {
  const said: string[] = [];
  const data = join(root, 'photos');
  const run = trainingOf(root, data, said);
  const { backend, say } = run;
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/first') });

  const name = (await startBackend(backend, () => {})).name;
  const trained = await openTrained('first', run.models, join(root, 'runs'));
  said.length = 0;
  const review = await openReview({ ...trained, data, backend: name, signal, say });
  trained.dispose();
  // The training's features are used again.
  expect(said.find((line) => line.startsWith('Feature cache'))).toMatch(/read; /);
  const first = review.labelErrors.slice(0, 8).map(({ index }) => review.images[index]?.file);
  expect(first).toEqual(expect.arrayContaining(['airplane/cat-3.png', 'airplane/cat-4.png']));
  const maps = review.mistakes.map(({ map }) => map?.values.length);
  expect(maps.length).toBeGreaterThan(0);
  expect(new Set(maps)).toEqual(new Set([PIXELS]));

  const server = await serveReview(await ReviewSession.open(review), 0);
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.locator('#kind').selectOption('label errors');
  for (const number of [3, 4]) {
    await page.getByRole('button', { name: `airplane/cat-${number}.png` }).click();
    await page.keyboard.press('m');
    await page.getByRole('combobox', { name: 'Move to class' }).fill('cat');
    await page.keyboard.press('Enter');
  }
  await vi.waitFor(
    async () => {
      const text = await readFile(decisionsIn(data), 'utf8');
      expect(text.match(/"decision":"move","to":"cat"/g)).toHaveLength(2);
    },
    { timeout: 20_000 },
  );
  await page.close();
  await server.close();

  said.length = 0;
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/second') });
  expect(said).toContain('Reviewed images: 2 moved to another class.');
  expect(said).toContain(
    'Images before and after the review: 90 → 90; airplane 32 → 30, cat 28 → 30.',
  );
}, 300_000);
