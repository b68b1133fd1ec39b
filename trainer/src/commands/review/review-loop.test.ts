import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { folderWithBackends } from '../../../fixtures/folders/folder-with-cache.ts';
import { writeClassFolders } from '../../../fixtures/folders/write-class-folders.ts';
import { composePairs, writePairs } from '../../../fixtures/labels/compose-pairs.ts';
import { startChromium } from '../../../fixtures/start-chromium.ts';
import { type BackendName, startBackend } from '../../backends/start-backend.ts';
import { smoke } from '../../config/smoke.ts';
import { decisionsIn } from '../../datasets/decisions/decisions.ts';
import { openReview } from '../../review/open-review.ts';
import { serveReview } from '../../review/serve-review.ts';
import { ReviewSession } from '../../review/session.ts';
import { trainInStages } from '../training/train-in-stages.ts';
import { openTrained } from './open-trained.ts';

const { signal } = new AbortController();

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

const headOnly = { ...smoke, stage2: { ...smoke.stage2, epochs: 0, minSteps: 0 } };

function trainingOf(data: string, said: string[]) {
  return {
    ...{ data, backend: (inject('native') ? 'native' : 'wasm') as BackendName, signal },
    ...{ resume: false, strict: false, modelId: undefined, models: join(root, 'models') },
    ...{ command: 'a test', publicCommand: 'a test', resumeCommand: 'a test', watchCommand: '' },
    say: (line: string) => void said.push(line),
  };
}

test('trains, finds wrong labels, has them put right in a browser, and trains with the decisions', async () => {
  const said: string[] = [];
  const data = join(root, 'photos');
  const run = trainingOf(data, said);
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

test('looks through images of several labels, by the run and by its model, and trains with what is decided', async () => {
  const said: string[] = [];
  const data = join(root, 'pairs');
  const labels = await writePairs(data, await composePairs('train', 0, 100));
  const run = { ...trainingOf(data, said), labels, modelId: 'pairs' };
  const { backend, say } = run;
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/first') });

  const name = (await startBackend(backend, () => {})).name;
  const reviewOf = async (trained: Awaited<ReturnType<typeof openTrained>>) =>
    openReview({ ...trained, data, backend: name, signal, say }).finally(() => trained.dispose());
  const half = Array<number>(10).fill(0.5);
  for (const of of ['first', 'pairs']) {
    // The labels are found where the training had them.
    const trained = await openTrained(of, run.models, join(root, 'runs'));
    const { thresholds = half } = trained;
    expect(thresholds === half).toBe(of === 'first');
    const found = await reviewOf(trained);
    expect(found).toMatchObject({ isMultiLabel: true, labelFile: labels });
    for (const { index, predicted, probability } of found.mistakes) {
      const isPresent = found.images[index]?.labels.includes(predicted);
      expect(probability >= (thresholds[predicted] as number)).toBe(!isPresent);
    }
    expect(found.mistakes.length).toBeGreaterThan(0);
  }
  const byRun = await reviewOf(await openTrained('first', run.models, join(root, 'runs')));
  expect(byRun.images.some(({ labels }) => labels.length === 2)).toBe(true);
  // A sigmoid each: they are no distribution.
  const sums = byRun.images.map((_, at) =>
    byRun.probabilities.slice(10 * at, 10 * at + 10).reduce((sum, one) => sum + one, 0),
  );
  expect(Math.max(...sums) - Math.min(...sums)).toBeGreaterThan(0.2);

  const session = await ReviewSession.open(byRun);
  const at = byRun.images.findIndex(({ labels }) => labels.length === 2);
  const names = byRun.images[at]?.labels.map((label) => byRun.labels[label] as string) ?? [];
  await session.decide(at, { decision: 'labels', labels: names.slice(1) });
  await expect(session.decide(at, { decision: 'labels', labels: ['no such'] })).rejects.toThrow(
    'Expected a class of the folder, but got no such.',
  );
  said.length = 0;
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/second') });
  expect(said).toContain('Reviewed images: 1 given other labels.');
  expect(
    said.find((line) => line.startsWith('Images before and after the review: 100 → 100;')),
  ).toMatch(new RegExp(`; ${names[0]} (\\d+) → \\d+\\.$`));
}, 300_000);
