import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeSeveralLabels } from '../../../fixtures/labels/several-labels-model.ts';
import { startChromium } from '../../../fixtures/start-chromium.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { predict, type Seen } from '../../evaluation/predict.ts';
import { type Classifier, loadModel, readModel } from '../../models/load-model.ts';
import { fromArtifacts } from '../graph-builder.ts';
import { withKnownScore } from '../known-score.ts';
import { writeModelDirectory } from '../write-model-directory.ts';
import { exportBrowser } from './export-browser.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../shared/fixtures/${name}`, import.meta.url));

/** The shipped model, with a score. */
async function writeModel(directory: string): Promise<void> {
  const shipped = new URL('../../../../edge/public/models/cifar10', import.meta.url);
  const { card, artifacts } = await readModel(fileURLToPath(shipped));
  const { weightsHash: _, quantization, ...draft } = card;
  const { bytes: __, ...format } = quantization;
  const model = withKnownScore(fromArtifacts(artifacts), { slope: 0.5, offset: -3 });
  const knownScore = { method: 'maximum-logit', keep: 0.9, images: 1, measured: [] } as const;
  await writeModelDirectory(directory, model, { ...draft, quantization: format, knownScore });
}

let model: string;
let root: string;
let folder: string;
let browser: Browser;
let server: Server;
let page: Page;
let classifier: Classifier;
const asked: string[] = [];
beforeAll(async () => {
  await startBackend('wasm', () => {});
  root = await mkdtemp(join(tmpdir(), 'graft-browser-'));
  model = join(root, 'models/cifar10');
  await writeModel(model);
  classifier = await loadModel(model);
  folder = await exportBrowser(model, root);
  server = createServer(async ({ url = '/' }, response) => {
    const name = url.endsWith('/') ? `${url}index.html` : url;
    asked.push(name);
    const types = { '.html': 'text/html', '.js': 'text/javascript' };
    response.setHeader('content-type', types[extname(name) as '.js'] ?? 'application/octet-stream');
    response.end(await readFile(join(root, name)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  browser = await startChromium();
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar10/`);
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  classifier?.dispose();
  await rm(root, { recursive: true, force: true });
});

/**
 * @param make an expression of what is classified, of a `file`
 * @param id of an exported model
 */
async function seenInPage(name: string, make = 'file', id = 'cifar10'): Promise<Seen> {
  const base64 = (await readFile(fixture(name))).toString('base64');
  return page.evaluate(`(async () => {
    const file = await (await fetch('data:;base64,${base64}')).blob();
    const { classify } = await import('/${id}/index.js');
    return classify(${make}, { top: 10 });
  })()`);
}

function largestDifference(one: Seen, other: Seen): number {
  const probabilities = new Map(
    other.predictions.map(({ index, probability }) => [index, probability]),
  );
  const differences = one.predictions.map(({ index, probability }) =>
    Math.abs(probability - (probabilities.get(index) ?? 2)),
  );
  expect(differences).toHaveLength(10);
  return Math.max(...differences, Math.abs((one.score ?? 9) - (other.score ?? -9)));
}

test.each(['coffee.png', 'rocket.png', 'arithmetic.jpg', 'limited.avif'])(
  'gives the numbers of the Worker for %s',
  async (name) => {
    const expected = await predict(classifier, fixture(name), 10);
    const seen = await seenInPage(name);
    expect(seen).toMatchObject({
      model: { id: 'cifar10' },
      known: expected.known,
    });
    expect(largestDifference(seen, expected)).toBeLessThan(1e-6);
  },
);

const CANVAS = `(() => { const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d'); context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height); })()`;

test.each([
  ['an ImageBitmap', 'await createImageBitmap(file)'],
  [
    'an ImageData',
    CANVAS.replaceAll('bitmap', '(await createImageBitmap(file))').replace(
      '(() =>',
      'await (async () =>',
    ),
  ],
])('gives the same for %s', async (_, make) => {
  const expected = await predict(classifier, fixture('coffee.png'), 10);
  expect(largestDifference(await seenInPage('coffee.png', make), expected)).toBeLessThan(1e-6);
});

test('gives every one of several labels that reaches its threshold', async () => {
  const directory = join(root, 'models/several');
  await writeSeveralLabels(directory, 0.3);
  await exportBrowser(directory, root);
  const several = await loadModel(directory);
  const { predictions } = await predict(several, fixture('coffee.png'), 1);
  several.dispose();
  const seen = await seenInPage('coffee.png', 'file', 'several');
  expect(seen).toMatchObject({ model: { id: 'several' }, multiLabel: true });
  expect(seen.predictions.map(({ label }) => label)).toEqual(predictions.map(({ label }) => label));
  for (const [at, { probability }] of seen.predictions.entries()) {
    expect(probability).toBeCloseTo(predictions[at]?.probability ?? 2, 5);
  }
  expect(seen.predictions.length).toBeGreaterThan(1);
});

test('classifies in the page when the host is gone', async () => {
  const png = await readFile(fixture('coffee.png'));
  const [best] = (await predict(classifier, fixture('coffee.png'), 1)).predictions;
  await page.evaluate('navigator.serviceWorker.ready');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  asked.length = 0;
  await page.reload();
  await page.setInputFiles('input', { name: 'coffee.png', mimeType: 'image/png', buffer: png });
  await page.waitForSelector('table:not([hidden])');
  expect(await page.textContent('tr')).toContain(best?.label);
  expect(await page.textContent('tr')).toContain(
    `${(100 * (best?.probability ?? 0)).toFixed(1)} %`,
  );
  expect(asked).toEqual([]);
});

test('replaces what it has written, and nothing else', async () => {
  expect(await exportBrowser(model, root)).toBe(folder);
  await writeFile(join(folder, 'mine.txt'), '');
  await expect(exportBrowser(model, root)).rejects.toThrow(
    'the folder holds other files (mine.txt)',
  );
});
