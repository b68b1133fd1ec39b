import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import type { Browser } from 'playwright-core';
import { batchLine, type ClassifyResponse, modelResponse } from 'shared/contract/responses';
import sharp from 'sharp';
import { generateImages } from 'trainer/data/generated-images';
import { openCifar10 } from 'trainer/datasets/cifar';
import { decisionsIn } from 'trainer/datasets/decisions/decisions';
import { whole } from 'trainer/datasets/split';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  composePairs,
  type Pair,
  writePairs,
} from '../../trainer/fixtures/labels/compose-pairs.ts';
import { startChromium } from '../../trainer/fixtures/start-chromium.ts';
import { copyWithArithmetic } from './copy-with-arithmetic.ts';
import { graft, withPageOf } from './graft.ts';
import { makeFolder, type Served, serve } from './serve.ts';
import { serveJobs } from './serve-jobs.ts';

// Several labels an image, the whole way: train on pairs of CIFAR-10's images side by side, export, serve in
// workerd, classify other pairs by everything that classifies, and put wrong labels right.

/** Served images that show something, and that show nothing. */
const [PAIRS, NOTHING] = [30, 3];

let served: Served;
let browser: Browser;
let folder: string;
/** What lists the labels of the training images. */
let list: string;
/** Two training images, as the list has them: each with the labels of the other. */
let wrong: readonly [Pair, Pair];
let pairs: Pair[];
let card: ReturnType<typeof modelResponse.parse>['card'];
/** Where models are, and runs. */
let [models, runs]: [string[], string[]] = [[], []];

/** Trains the head alone, which says enough of these images. */
function train(id: string, ...options: readonly string[]): Promise<string> {
  const recipe = ['--config', 'smoke', '--stage2.epochs', '0', ...options];
  return graft('train', '--labels', list, '--id', id, ...models, ...runs, ...recipe);
}

beforeAll(async () => {
  folder = await makeFolder();
  const files = fileURLToPath(new URL('../public', import.meta.url));
  const filter = (path: string) => path !== join(files, 'models');
  await cp(files, join(folder, 'public'), { recursive: true, filter });
  const directory = join(folder, 'public/models');
  [models, runs] = [
    ['--models', directory],
    ['--runs', folder],
  ];

  const taught = await composePairs('train', 0, 400);
  const [one, other] = [taught[3], taught[7]] as [Pair, Pair];
  wrong = [
    { ...one, labels: other.labels },
    { ...other, labels: one.labels },
  ];
  list = await writePairs(join(folder, 'taught'), taught.with(3, wrong[0]).with(7, wrong[1]));
  await train('pairs', '--stage1.solve', 'true');
  await copyWithArithmetic(join(directory, 'pairs'), join(directory, 'in-float32'), 'float32');
  const index = { default: 'pairs', models: ['pairs', 'in-float32'] };
  await writeFile(join(directory, 'index.json'), JSON.stringify(index));

  pairs = await composePairs('test', 0, PAIRS);
  await writePairs(join(folder, 'others'), pairs);
  const nothing = generateImages(whole((await openCifar10()).test), NOTHING);
  const foreign = Array.from({ length: NOTHING }, async (_, at) => {
    const { data, ...raw } = await nothing.image(at);
    return sharp(data, { raw }).png().toBuffer();
  });
  served = await serve(folder, [...pairs.map(({ png }) => png), ...(await Promise.all(foreign))]);
  ({ card } = modelResponse.parse(await (await served.fetch('/models/pairs')).json()));
  browser = await startChromium();
});

afterAll(async () => {
  await browser?.close();
  await served?.close();
});

/** The path of a pair's file. */
const pathOf = (at: number) => join(folder, 'others', pairs[at]?.file as string);

const labelsIn = ({ predictions }: Pick<ClassifyResponse, 'predictions'>) =>
  predictions.map(({ label }) => label);

/** A pair that gets several labels, and what it gets. */
async function withSeveral(): Promise<{ readonly png: Buffer; readonly answer: ClassifyResponse }> {
  for (const [at, { png }] of pairs.entries()) {
    const answer = await served.classify(at);
    if (answer.predictions.length > 1) return { png, answer };
  }
  throw new Error('Expected a pair with several labels.');
}

test('the card says what was measured, and the thresholds', () => {
  expect(card.accuracy[0]).toMatchObject({ measure: 'mAP', split: 'held out', images: 40 });
  // Guessing has a mean average precision of about 0.19.
  expect(card.accuracy[0]?.quantized).toBeGreaterThan(0.3);
  const { thresholds, images, measured } = card.multiLabel ?? {};
  expect(thresholds).toHaveLength(10);
  expect(images).toBe(card.calibration?.images);
  expect(measured?.averagePrecision).toHaveLength(10);
  const kinds = ['generated', 'classes left out'].map((unknown) => ({ unknown }));
  expect(card.knownScore?.measured).toMatchObject(kinds);
});

test('the Worker answers with every label that reaches its threshold, whatever top is', async () => {
  let [right, predicted, present, several] = [0, 0, 0, 0];
  for (const [index, { labels }] of pairs.entries()) {
    const answer = await served.classify(index, { top: '1' });
    expect(answer.multiLabel).toBe(true);
    for (const { index: at, probability } of answer.predictions) {
      expect(probability).toBeGreaterThanOrEqual(card.multiLabel?.thresholds[at] as number);
    }
    if (answer.predictions.length > 1) several += 1;
    right += answer.predictions.filter(({ label }) => labels.includes(label)).length;
    predicted += answer.predictions.length;
    present += labels.length;
  }
  expect(several).toBeGreaterThan(0);
  // Naming all ten labels each time would give 0.32.
  expect((2 * right) / (predicted + present)).toBeGreaterThan(0.35);
});

test('most pairs are known, and noise, a gradient and stripes are not', async () => {
  const known = await Promise.all(
    Array.from({ length: PAIRS + NOTHING }, async (_, at) => (await served.classify(at)).known),
  );
  expect(known.slice(0, PAIRS).filter(Boolean).length).toBeGreaterThan(0.8 * PAIRS);
  expect(known.slice(PAIRS)).toEqual(Array(NOTHING).fill(false));
});

test('images that are sent, batches and explanations have the same labels', async () => {
  const some = [0, 1, 2, 3, 4, 5];
  const answers = await Promise.all(some.map((image) => served.classify(image)));
  const predicted = answers.map(({ predictions }) => predictions);
  const sent = await served.fetch('/classify?top=1', {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: Uint8Array.from(pairs[0]?.png as Buffer),
  });
  expect(await sent.json()).toMatchObject({ multiLabel: true, predictions: predicted[0] });

  const batch = await served.fetch('/classify/batch?top=1', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ urls: some.map((image) => served.urlOf(image)) }),
  });
  const lines = (await batch.text()).trimEnd().split('\n');
  for (const line of lines.map((text) => batchLine.parse(JSON.parse(text)))) {
    if (!('answer' in line)) throw new Error(line.problem.detail);
    expect(line.answer).toMatchObject({ multiLabel: true, predictions: predicted[line.index] });
  }
  expect(lines).toHaveLength(some.length);

  const at = predicted.findIndex(({ length }) => length > 1);
  const { explanations } = await served.classify(at, { explain: 'true' });
  expect(explanations?.map(({ label }) => label)).toEqual(predicted[at]?.map(({ label }) => label));
});

test('the page shows the same labels', async () => {
  const { png: buffer, answer } = await withSeveral();
  const page = await browser.newPage();
  await page.goto(served.origin);
  await page.locator('#file').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer });
  await page.locator('[data-state="answered"]').waitFor();
  expect(await page.locator('#predictions .label').allTextContents()).toEqual(labelsIn(answer));
});

test('a job gives the images of a bucket the same labels', async () => {
  const jobs = await serveJobs(join(folder, 'jobs'), 4, 300, join(folder, 'public'));
  try {
    const some = pairs.slice(0, 10);
    for (const { file, png } of some) await jobs.put('photos', file, png);
    const { id } = await jobs.start({ source: { bucket: 'photos' }, model: 'pairs', top: 1 });
    const images = { done: some.length, failed: 0 };
    expect(await jobs.finish(id)).toMatchObject({ status: 'done', images });
    const lines = Map.groupBy(await jobs.results(id), ({ image }) => image);
    for (const [at, { file }] of some.entries()) {
      const { predictions, known, score } = await served.classify(at);
      const answer = { multiLabel: true, predictions, known, score };
      expect(lines.get(file)).toMatchObject([{ answer }]);
    }
  } finally {
    await jobs.close();
  }
});

test('predict and evaluate agree with it', async () => {
  const said = await graft('predict', pathOf(0), '--model', 'pairs', '--json', ...models);
  const predicted = JSON.parse(said);
  expect(predicted.multiLabel).toBe(true);
  expect(labelsIn(predicted)).toEqual(labelsIn(await served.classify(0)));
  const labels = join(folder, 'others/labels.csv');
  const measured = await graft('evaluate', 'pairs', '--labels', labels, '--json', ...models);
  expect(JSON.parse(measured)).toMatchObject({ multiLabel: true, images: PAIRS, split: 'all' });
});

test('graft similar says of two images what their embeddings say', async () => {
  const [one, other] = await Promise.all(
    [0, 1].map(async (at) => {
      const { data } = (await served.embed(at)).embedding;
      return new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer);
    }),
  );
  const cosine = one?.reduce((sum, value, i) => sum + value * (other?.[i] ?? 2), 0) ?? 2;
  const among = ['--in', join(folder, 'others'), '--top', `${PAIRS}`, '--model', 'pairs'];
  const found = JSON.parse(await graft('similar', pathOf(0), ...among, '--json', ...models));
  expect(found[0]).toMatchObject({ path: pathOf(0), similarity: expect.closeTo(1, 3) });
  const similarity = expect.closeTo(cosine, 3);
  expect(found).toContainEqual({ path: pathOf(1), similarity });
});

test.each([
  ['float32', 'in-float32', 1e-4, 1],
  // Many probabilities are near their thresholds.
  ['int8', 'pairs', 0.2, 0.9],
])('an ONNX file of kernels in %s answers as the Worker does', async (kernels, model, ...most) => {
  const [tolerance, share] = most;
  const output = join(folder, kernels);
  const options = ['--format', 'onnx', '--quantize', kernels, '--with-preprocess'];
  // It is calibrated on the images of the training, which are found by its run.
  await graft('export', ...options, '--model', 'pairs', '--output', output, ...models, ...runs);
  const session = await ort.InferenceSession.create(join(output, 'pairs.onnx'));
  const { thresholds = [] } = card.multiLabel ?? {};
  const differences: number[] = [];
  let agreeing = 0;
  for (const [at, { png }] of pairs.entries()) {
    const { predictions } = await served.classify(at, { model });
    const { data, info } = await sharp(png)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const image = new ort.Tensor('uint8', data, [info.height, info.width, 3]);
    const { probabilities } = await session.run({ image });
    const given = probabilities?.data as Float32Array;
    const ours = new Set(predictions.map(({ index }) => index));
    agreeing += thresholds.filter(
      (threshold, index) => (given[index] ?? 2) >= threshold === ours.has(index),
    ).length;
    for (const { index, probability } of predictions) {
      differences.push(Math.abs(probability - (given[index] ?? 2)));
    }
  }
  await session.release();
  expect(Math.max(...differences)).toBeLessThan(tolerance);
  expect(agreeing / (PAIRS * thresholds.length)).toBeGreaterThanOrEqual(share);
});

test('a page with the model inside gives the numbers of the Worker', async () => {
  await graft('export', '--format', 'browser', '--model', 'pairs', '--output', folder, ...models);
  const page = await browser.newPage();
  await page.route('http://localhost/**', (route) =>
    route.fulfill({ path: join(folder, new URL(route.request().url()).pathname) }),
  );
  await page.goto('http://localhost/pairs/index.html');
  const { png, answer } = await withSeveral();
  const seen = await page.evaluate<ClassifyResponse>(`(async () => {
    const file = await (await fetch('data:;base64,${png.toString('base64')}')).blob();
    const { classify } = await import('/pairs/index.js');
    return classify(file, { top: 1 });
  })()`);
  const { multiLabel, known, score, predictions } = answer;
  expect(seen).toMatchObject({
    ...{ multiLabel, known, score: expect.closeTo(score ?? 2, 5) },
    predictions: predictions.map((prediction) => ({
      ...prediction,
      probability: expect.closeTo(prediction.probability, 5),
    })),
  });
});

test('a review finds wrong labels, and another training has what was decided', async () => {
  await withPageOf(['review', 'pairs', '--labels', list, ...models, ...runs], async (url) => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.locator('#kind').selectOption('label errors');
    const [other, { file, labels }] = wrong;
    await page.getByRole('button', { name: file }).click();
    for (const label of [...labels, ...other.labels]) {
      await page.keyboard.press('m');
      await page.getByRole('combobox', { name: 'Add or remove the label' }).fill(label);
      await page.keyboard.press('Enter');
    }
    await vi.waitFor(async () => {
      const { decisions } = JSON.parse(await readFile(decisionsIn(join(folder, 'taught')), 'utf8'));
      expect(decisions).toMatchObject([{ file, decision: 'labels', labels: other.labels }]);
    }, 20_000);
  });
  const again = await train('again', '--stage1.epochs', '1');
  expect(again).toContain('Reviewed images: 1 given other labels.');
});
