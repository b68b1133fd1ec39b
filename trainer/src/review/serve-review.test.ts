import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { folderWithCache } from '../../fixtures/folders/folder-with-cache.ts';
import { startChromium } from '../../fixtures/start-chromium.ts';
import { decidedImage } from '../datasets/decisions/apply-decisions.ts';
import { Decisions, decisionsIn } from '../datasets/decisions/decisions.ts';
import { inspectFolder } from '../datasets/folders/inspect-folder.ts';
import { labelsOf } from '../datasets/lists/several-labels.ts';
import type { LocalServer } from '../report/live/serve-locally.ts';
import type { Review } from './open-review.ts';
import { serveReview } from './serve-review.ts';
import { ReviewSession } from './session.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

let root: string;
let server: LocalServer;
let photos: string;
beforeEach(async () => {
  root = await folderWithCache();
  photos = join(root, 'photos');
  for (const [at, label] of ['bird', 'cat', 'dog'].entries()) {
    for (let number = 0; number < 6; number++) {
      await put(`photos/${label}/${number}.png`, { r: 80 * at, g: 40 * number, b: 90 });
    }
  }
  await put('photos/_feedback/kept.png', { r: 250, g: 250, b: 10 });
  await writeFile(
    join(photos, '_feedback/feedback.jsonl'),
    `${JSON.stringify({ file: 'kept.png', predicted: 'cat', probability: 0.41, score: 0.3, labels: ['bird', 'dog'], model: 'pets', version: 'a', at: '2026-01-01T00:00:00Z' })}\n`,
  );
  server = await serveReview(await ReviewSession.open(await reviewOf()), 0);
});
afterEach(async () => {
  await server.close();
});

async function put(path: string, background: { r: number; g: number; b: number }): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await sharp({ create: { width: 60, height: 40, channels: 3, background } }).toFile(
    join(root, path),
  );
}

/** Its problems are made up: what finds them has tests of its own. */
async function reviewOf(times = 1, labelFile?: string): Promise<Review> {
  const {
    folder,
    labels,
    isMultiLabel,
    photos: found,
  } = await inspectFolder(photos, {
    ...{ size: 32, purpose: 'training', strict: false, signal: new AbortController().signal },
    labels: labelFile,
    startProgress: () => ({ advance: () => {}, stop: () => {} }),
  });
  const once = found.train.map((photo) => ({
    ...decidedImage(folder, photo),
    ...{ path: photo.path, labels: labelsOf(photo), split: 'train' as const },
  }));
  const images = Array.from({ length: times }, () => once).flat();
  const at = (file: string) => images.findIndex((image) => image.file === file);
  const probabilities = new Float32Array(images.length * labels.length).fill(0.1);
  for (const [index, { labels: own }] of images.entries()) {
    for (const label of own) probabilities[index * 3 + label] = 0.8;
  }
  probabilities.set([0.05, 0.2, 0.75], at('cat/2.png') * 3);
  return {
    ...{ folder, labels, isMultiLabel, labelFile, images, probabilities, likelyErrors: 2 },
    labelErrors: [
      { index: at('cat/2.png'), suggested: 2, logOdds: 3 },
      { index: at('dog/4.png'), suggested: 0, logOdds: 1 },
    ],
    duplicates: [{ index: at('dog/0.png'), of: at('cat/0.png'), similarity: 0.97 }],
    mistakes: [
      {
        ...{ index: at('bird/1.png'), predicted: 1, probability: 0.9 },
        map: { rows: 1, columns: 2, values: Float32Array.of(0, 3) },
      },
      { index: at('dog/1.png'), predicted: 0, probability: 0.8 },
    ],
    outliers: [{ index: at('bird/5.png'), similarity: 0.1 }],
    thinClasses: [],
    decisions: await Decisions.read(folder),
  };
}

/** The page, and what the browser has complained of. */
async function open(
  viewport = { width: 1280, height: 800 },
  colorScheme: 'light' | 'dark' = 'light',
) {
  const page = await browser.newPage({ viewport, colorScheme });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (asked) => {
    if (!asked.url().startsWith(server.url) && !asked.url().startsWith('data:')) {
      complaints.push(asked.url());
    }
  });
  await page.goto(server.url);
  await page.locator('body[data-ready]').waitFor();
  return { page, complaints };
}

async function decided(): Promise<string[]> {
  const text = await readFile(decisionsIn(photos), 'utf8').catch(() => '{"decisions":[]}');
  const { decisions } = JSON.parse(text) as {
    decisions: { file: string; decision: string; to?: string; labels?: string[] }[];
  };
  return decisions.map(({ file, decision, to, labels }) =>
    [`${file}: ${decision}`, ...(to || labels ? [to ?? labels?.join()] : [])].join(' '),
  );
}

const settled = (expected: readonly string[]) =>
  vi.waitFor(async () => {
    expect(await decided()).toEqual(expected);
  }, 20_000);

test('decides by keys, shows what changed, and takes it back', async () => {
  const { page, complaints } = await open();
  await page.locator('#kind').selectOption('label errors');
  const caption = page.locator('#caption');
  expect(await caption.textContent()).toContain('cat cat/2.png');
  await page.keyboard.press('1');
  expect(await caption.textContent()).toContain('dog dog/4.png');
  await settled(['cat/2.png: move dog']);
  await page.keyboard.press('r');
  await settled(['cat/2.png: move dog', 'dog/4.png: right']);
  await page.getByText('Images by class, before and after').click();
  expect(await page.locator('#count-rows').textContent()).toContain('cat65dog67');

  await page.keyboard.press('u');
  await page.keyboard.press('u');
  await settled([]);
  expect(await caption.textContent()).toContain('cat cat/2.png');

  await page.keyboard.press('m');
  await page.getByRole('combobox', { name: 'Move to class' }).fill('bi');
  await page.keyboard.press('Enter');
  await settled(['cat/2.png: move bird']);
  await page.locator('#kind').selectOption('near-duplicates');
  expect(await page.locator('#other-caption').textContent()).toContain('cat cat/0.png');
  await page.keyboard.press('d');
  await settled(['cat/2.png: move bird', 'dog/0.png: duplicate']);
  expect(complaints).toEqual([]);
  await page.close();

  // Another session has them.
  const again = (await ReviewSession.open(await reviewOf())).data();
  expect(again.images.find(({ file }) => file === 'dog/0.png')?.verdict).toEqual({
    decision: 'duplicate',
  });
});

test('shows what speaks for a confident mistake', async () => {
  const { page, complaints } = await open();
  await page.locator('#kind').selectOption('confident mistakes');
  expect(await page.locator('#other-caption').textContent()).toBe('What speaks for cat');
  const shown = await page.evaluate<number[][]>(`(async () => {
    const image = document.getElementById('other-image');
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext('2d', { willReadFrequently: true });
    canvas.drawImage(image, 0, 0);
    return [10, image.naturalWidth - 10].map((x) => [...canvas.getImageData(x, 400, 1, 1).data]);
  })()`);
  const [[redLeft = 0] = [], [redRight = 0] = []] = shown;
  // The image is as dark on both sides, and red is laid over its right.
  expect(redLeft).toBeLessThan(40);
  expect(redRight).toBeGreaterThan(120);
  await page.getByRole('button', { name: 'dog/1.png' }).click();
  expect(await page.locator('#other').isVisible()).toBe(false);
  expect(complaints).toEqual([]);
  await page.close();
});

test('labels an image from production into the folder of its class, and takes it out again', async () => {
  const { page, complaints } = await open();
  expect(await page.locator('#note').textContent()).toBe('predicted cat, 41 %; score 0.30');
  await page.keyboard.press('m');
  await page.getByRole('combobox', { name: 'Move to class' }).fill('dog');
  await page.keyboard.press('Enter');
  await settled([
    '_feedback/kept.png: move dog',
    expect.stringMatching(/^dog\/feedback-[0-9a-f]{12}\.png: added$/),
  ] as string[]);
  expect((await readdir(join(photos, 'dog'))).length).toBe(7);
  await page.keyboard.press('u');
  await settled([]);
  expect((await readdir(join(photos, 'dog'))).length).toBe(6);
  expect(complaints).toEqual([]);
  await page.close();
});

test('gives an image more labels and takes some away, and lists an image from production', async () => {
  await server.close();
  const list = join(root, 'labels.csv');
  const rows = [
    'bird/0.png,bird',
    'bird/1.png,bird;cat',
    'cat/2.png,cat',
    'dog/1.png,',
    'dog/4.png,dog',
  ];
  await writeFile(list, `file,labels\n${rows.join('\n')}\n`);
  const review = await reviewOf(1, list);
  const at = (file: string) => review.images.findIndex((image) => image.file === file);
  const said = {
    labelErrors: [
      { index: at('cat/2.png'), suggested: 2, logOdds: 3 },
      { index: at('bird/1.png'), suggested: 1, logOdds: 1 },
    ],
    mistakes: [{ index: at('dog/4.png'), predicted: 2, probability: 0.2 }],
    ...{ duplicates: [], outliers: [] },
  };
  server = await serveReview(await ReviewSession.open({ ...review, ...said }), 0);
  const { page, complaints } = await open();
  await page.locator('#kind').selectOption('label errors');
  const note = page.locator('#note');
  expect(await note.textContent()).toBe('seems to be also dog');
  // Digits are labels, the most doubtful first, and the image stays for others.
  expect(await page.locator('#classes button').first().textContent()).toBe('1 cat 20 %');
  await page.keyboard.press('2');
  await settled(['cat/2.png: labels cat,dog']);
  expect(await note.textContent()).toBe('Decided: labels: cat, dog.');
  await page.keyboard.press('m');
  await page.getByRole('combobox', { name: 'Add or remove the label' }).fill('cat');
  await page.keyboard.press('Enter');
  await settled(['cat/2.png: labels dog']);
  await page.keyboard.press('r');
  expect(await note.textContent()).toBe('seems not to be cat');
  await page.getByRole('button', { name: 'cat', pressed: true }).click();
  await settled(['bird/1.png: labels bird', 'cat/2.png: labels dog']);
  await page.getByText('Images by class, before and after').click();
  expect(await page.locator('#count-rows').textContent()).toBe('bird22cat20dog12');
  await page.keyboard.press('u');
  await page.keyboard.press('u');
  await page.keyboard.press('u');
  await settled([]);

  await page.locator('#kind').selectOption('confident mistakes');
  expect(await note.textContent()).toBe('the model misses dog, 20 %');
  await page.locator('#kind').selectOption('from production');
  // Those that the model gave, and the one that it doubts.
  await page.getByRole('button', { name: 'cat 41 %', pressed: false }).click();
  await page.keyboard.press('r');
  await settled([
    '_feedback/kept.png: labels bird,cat,dog',
    expect.stringMatching(/^feedback-[0-9a-f]{12}\.png: added$/),
  ] as string[]);
  expect(await readFile(list, 'utf8')).toMatch(
    /dog\/4\.png,dog\nfeedback-[0-9a-f]{12}\.png,bird;cat;dog\n$/,
  );
  await page.keyboard.press('u');
  await settled([]);
  expect(await readFile(list, 'utf8')).toMatch(/dog\/4\.png,dog\n$/);
  expect((await readdir(photos)).filter((name) => name.startsWith('feedback-'))).toEqual([]);
  expect(complaints).toEqual([]);
  await page.close();
});

test('keeps few rows of ten thousand images, and fits a phone', async () => {
  await server.close();
  server = await serveReview(await ReviewSession.open(await reviewOf(560)), 0);
  const { page, complaints } = await open({ width: 390, height: 844 });
  await page.locator('#kind').selectOption('all images');
  expect(await page.locator('#progress').textContent()).toContain('of 10080');
  expect(await page.locator('.row').count()).toBeLessThan(40);
  await page.locator('#list').evaluate((list) => {
    list.scrollTop = list.scrollHeight / 2;
  });
  await vi.waitFor(async () =>
    expect(
      await page
        .locator('.row')
        .first()
        .evaluate((row) => Number.parseInt(row.style.top, 10)),
    ).toBeGreaterThan(300_000),
  );
  expect(await page.locator('.row').count()).toBeLessThan(40);
  const width = await page.evaluate('document.documentElement.scrollWidth');
  expect(width).toBeLessThanOrEqual(390);
  await page
    .locator('.row img')
    .first()
    .evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode());
  expect(complaints).toEqual([]);
  await page.close();
});

function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<number | undefined>((resolve, reject) => {
    const asked = request(new URL(path, server.url), { headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
    asked.end(
      method === 'POST' ? JSON.stringify({ image: 0, verdict: { decision: 'right' } }) : '',
    );
  });
}

test('answers this machine alone, and who knows the token', async () => {
  expect(await ask('')).toBe(200);
  expect(await ask('/')).toBe(404);
  expect(await ask('/data.json')).toBe(404);
  expect(await ask('', { host: 'evil.example' })).toBe(403);
  expect(await ask('decide', { origin: 'https://evil.example' }, 'POST')).toBe(403);
  expect(await ask('/decide', {}, 'POST')).toBe(404);
  expect(await ask('image/999')).toBe(404);
  expect(await ask('constructor')).toBe(404);
  expect(await decided()).toEqual([]);
  expect(await ask('decide', { origin: new URL(server.url).origin }, 'POST')).toBe(200);
  expect(await decided()).toEqual(['bird/0.png: right']);
});
