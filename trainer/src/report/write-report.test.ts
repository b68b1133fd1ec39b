import { appendFile, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRunRecord } from '../../fixtures/run-record.ts';
import { startChromium } from '../../fixtures/start-chromium.ts';
import { printableLines } from '../printable.ts';
import { logIn } from '../runs/run-log.ts';
import { saveOutcome, writeReport } from './write-report.ts';

let directory: string;
let browser: Browser;
beforeAll(async () => {
  directory = await temporaryFolder();
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
});

/** @returns the report's path */
async function report(labels: readonly string[], over = true): Promise<string> {
  const run = await mkdtemp(join(directory, 'run-'));
  const { log, outcome } = await makeRunRecord(labels);
  const lines = over ? log : log.slice(0, -12);
  await writeFile(logIn(run), lines.map((line) => JSON.stringify(line)).join('\n'));
  if (over) await saveOutcome(run, outcome.card, outcome.results);
  return writeReport(run);
}

/** Opens a page without network; its requests and errors, which should be none, are collected. */
async function open(path: string, colorScheme: 'light' | 'dark', width: number) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 844 } });
  await context.setOffline(true);
  const page = await context.newPage();
  const complaints: string[] = [];
  const url = pathToFileURL(path).href;
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) complaints.push(request.url());
  });
  await page.goto(url);
  return { page, complaints };
}

const headings = (page: Page) => page.locator('h2').allTextContents();
const visibleText = (page: Page) => page.evaluate<string>('document.body.innerText');
const overflow = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');

const TEN = Array.from({ length: 10 }, (_, i) => (i === 3 ? '<b>cat</b> & "dog"' : `class ${i}`));

test.each([
  ['properties of every object', ['constructor', 'toString', '__proto__', 'hasOwnProperty']],
  ['line separators', ['a\u2028b', 'a\u2029c', 'plain']],
  ['terminal control characters', ['\u001b[31mred', 'a\nb', '\u009b2J']],
  ['bidirectional controls', ['rtl\u202egpj', '\u2067x', 'שלום']],
  ['quotes', ["it's", '"so"', 'a\\b', '`x`']],
])('shows class names with %s in printable form', async (_, labels) => {
  const path = await report(labels);
  const html = await readFile(path, 'utf8');
  expect(html).toBe(printableLines(html));
  const { page, complaints } = await open(path, 'light', 1280);
  const plotted = (await page.locator('svg text').allTextContents()).join('\n');
  for (const label of labels) {
    expect(plotted).toContain(printableLines(label));
    expect(await page.locator('tbody').allTextContents()).toContainEqual(
      expect.stringContaining(printableLines(label)),
    );
  }
  expect(complaints).toEqual([]);
});

test.each([
  ['light', 390],
  ['dark', 390],
  ['light', 1280],
] as const)('shows a finished run without network in %s, %i px wide', async (scheme, width) => {
  const { page, complaints } = await open(await report(TEN), scheme, width);
  expect(await headings(page)).toEqual([
    'Learning curves',
    'Confusion matrix',
    'Metrics by class',
    'Calibration',
    'Most confident mistakes',
    'Sample predictions',
    'Effect of quantization',
    'Time',
    'Command and recipe',
  ]);
  expect(await page.locator('svg:not(.map)').count()).toBe(5);
  // Over the mistakes, where asked.
  const map = page.locator('.map').first();
  expect(await map.isVisible()).toBe(false);
  await page.getByLabel('Show which parts speak for the predicted class').check();
  const [{ x, y, width: side } = { x: 0, y: 0, width: 0 }, over] = await Promise.all([
    page.locator('.images img').first().boundingBox(),
    map.boundingBox(),
  ]).then((boxes) => boxes.map((box) => box ?? undefined));
  expect(over).toMatchObject({ x, y, width: side, height: side });
  expect(await page.locator('.grid-5 img').count()).toBe(25);
  const widths = await page.evaluate<number[]>(
    '[...document.images].map((image) => image.naturalWidth)',
  );
  expect(new Set(widths)).toEqual(new Set([32]));
  // The text of a plot has the page's colour, and a label is not interpreted as markup.
  const ink = await page.evaluate<string>('getComputedStyle(document.body).color');
  const stage = await page.evaluate<string>(
    "getComputedStyle([...document.querySelectorAll('svg text')].find((text) => text.textContent === 'stage 2')).fill",
  );
  expect(stage).toBe(ink);
  expect(await page.locator('tbody th', { hasText: '<b>cat</b> & "dog"' }).count()).toBe(1);
  expect(await page.locator('b').count()).toBe(0);
  expect(await visibleText(page)).not.toMatch(/null|undefined|false|NaN|\[object/);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(complaints).toEqual([]);
});

test('fits a phone with many classes, or long names', async () => {
  const labels = Array.from({ length: 40 }, (_, i) => `a-very-long-name-without-a-break-${i}`);
  const { page, complaints } = await open(await report(labels), 'light', 390);
  expect(
    await page.evaluate<number>("document.querySelector('.wide svg').clientWidth"),
  ).toBeGreaterThan(390);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(complaints).toEqual([]);
});

test('shows an unfinished run: its curves, time and recipe', async () => {
  const { page, complaints } = await open(await report(TEN, false), 'light', 390);
  expect(await page.locator('h1').textContent()).toBe('Pets, unfinished');
  expect(await headings(page)).toEqual(['Learning curves', 'Time', 'Command and recipe']);
  expect(await visibleText(page)).not.toMatch(/null|undefined|false|NaN|\[object/);
  expect(complaints).toEqual([]);
});

test('shows the command that started a run, also after a resume', async () => {
  const path = await report(TEN);
  const [start = ''] = (await readFile(logIn(join(path, '..')), 'utf8')).split('\n');
  const resumed = { ...JSON.parse(start), command: 'pnpm --filter trainer train --resume pets' };
  await appendFile(logIn(join(path, '..')), `\n${JSON.stringify(resumed)}\n`);
  const { page } = await open(await writeReport(join(path, '..')), 'light', 390);
  expect(await page.locator('pre').first().textContent()).toBe(
    'pnpm --filter trainer train --data pets',
  );
});

test('is deterministic', async () => {
  const path = await report(TEN);
  const before = await readFile(path, 'utf8');
  await writeReport(join(path, '..'));
  expect(await readFile(path, 'utf8')).toBe(before);
});
