import { appendFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import type { Browser } from 'playwright-core';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRunRecord } from '../../../fixtures/run-record.ts';
import { startChromium } from '../../../fixtures/start-chromium.ts';
import { type LogLine, logIn } from '../../runs/run-log.ts';
import { saveOutcome } from '../write-report.ts';
import type { LocalServer } from './serve-locally.ts';
import { serveReport } from './serve-report.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());

const { log, outcome } = await makeRunRecord(['cat', 'dog', 'bird']);
const textOf = (lines: readonly LogLine[]) =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');
/** Where the epochs of the log end. */
const epochEnds = [...log.keys()].filter((at) => log[at]?.event === 'epoch').map((at) => at + 1);

let run: string;
let server: LocalServer;
beforeEach(async () => {
  run = await temporaryFolder();
  await writeFile(logIn(run), textOf(log.slice(0, epochEnds[1])));
  server = await serveReport(run, 0);
});
afterEach(async () => {
  await server.close();
});

/** The page, and what the browser has complained of. */
async function open() {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) complaints.push(request.url());
  });
  await page.goto(server.url);
  await page.getByRole('status').filter({ hasText: 'Live' }).waitFor();
  return { page, complaints };
}

test('shows each epoch as it ends, and the whole report in the end', async () => {
  const { page, complaints } = await open();
  const rows = page.locator('details tbody tr');
  await page.getByText('Every epoch').click();
  expect(await rows.count()).toBe(2);
  expect(await page.locator('dl.figures').textContent()).toContain('epoch 2 of');

  await appendFile(logIn(run), textOf(log.slice(epochEnds[1], epochEnds[2])));
  await rows.nth(2).waitFor();
  // What was unfolded stays so.
  expect(await rows.nth(2).isVisible()).toBe(true);
  expect(await page.locator('dl.figures').textContent()).toContain('epoch 3 of');

  await appendFile(logIn(run), textOf(log.slice(epochEnds[2])));
  await saveOutcome(run, outcome.card, outcome.results);
  await page.getByRole('heading', { name: 'Confusion matrix' }).waitFor();
  expect(await page.title()).toBe(outcome.card.title);
  expect(complaints).toEqual([]);
  await page.close();
});

test('says so where the program has ended, and shows the rest once it runs again', async () => {
  const { page } = await open();
  const port = Number(new URL(server.url).port);
  await server.close();
  await page.getByRole('status').filter({ hasText: 'Not connected' }).waitFor();
  expect(await page.locator('details tbody tr').count()).toBe(2);
  await appendFile(logIn(run), textOf(log.slice(epochEnds[1], epochEnds[2])));
  server = await serveReport(run, port);
  await page.locator('details tbody tr').nth(2).waitFor({ state: 'attached', timeout: 20_000 });
  await page.close();
});

function ask(path: string, host?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(new URL(path, server.url), host ? { headers: { host } } : {}, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });
}

test('answers this machine alone, and nothing but the report', async () => {
  expect(await ask('/')).toBe(200);
  expect(await ask('/', 'localhost:80')).toBe(200);
  expect(await ask('/', 'evil.example')).toBe(403);
  expect(await ask('/log.jsonl')).toBe(404);
  expect(await ask('/constructor')).toBe(404);
});

test('refuses a port that is taken in one sentence', async () => {
  const port = Number(new URL(server.url).port);
  await expect(serveReport(run, port)).rejects.toThrow(
    `Expected a free port for --port, but ${port} cannot be used (EADDRINUSE): choose another.`,
  );
});
