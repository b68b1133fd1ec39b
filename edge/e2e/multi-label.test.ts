import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { batchLine, modelResponse } from 'shared/contract/responses';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  composePairs,
  type Pair,
  writePairs,
} from '../../trainer/fixtures/labels/compose-pairs.ts';
import { makeFolder, type Served, serve } from './serve.ts';

// Several labels an image, the whole way: train on pairs of CIFAR-10's images side by side, export, serve in
// workerd, and classify other pairs.

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../trainer/src/cli/cli.ts', import.meta.url));

let served: Served;
let folder: string;
let pairs: Pair[];

beforeAll(async () => {
  folder = await makeFolder();
  const list = await writePairs(join(folder, 'pairs'), await composePairs('train', 0, 400));
  const models = join(folder, 'public/models');
  const options = ['--config', 'smoke', '--id', 'pairs', '--models', models, '--runs', folder];
  // The head alone says enough of these.
  const short = ['--stage2.epochs', '0', '--stage1.solve', 'true'];
  await run(process.execPath, [cli, 'train', '--labels', list, ...options, ...short]);
  pairs = await composePairs('test', 0, 30);
  served = await serve(
    folder,
    pairs.map(({ png }) => png),
  );
});

afterAll(() => served?.close());

test('the card says what was measured, and the thresholds', async () => {
  const { card } = modelResponse.parse(await (await served.fetch('/models/pairs')).json());
  expect(card.accuracy[0]).toMatchObject({ measure: 'mAP', split: 'held out', images: 40 });
  // Guessing has a mean average precision of about 0.19.
  expect(card.accuracy[0]?.quantized).toBeGreaterThan(0.3);
  const { thresholds, images, measured } = card.multiLabel ?? {};
  expect(thresholds).toHaveLength(10);
  expect(images).toBe(card.calibration?.images);
  expect(measured?.averagePrecision).toHaveLength(10);
});

test('the Worker answers with every label that reaches its threshold, whatever top is', async () => {
  const { card } = modelResponse.parse(await (await served.fetch('/models/pairs')).json());
  let [right, predicted, present] = [0, 0, 0];
  let several = 0;
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

test('predict and evaluate agree with it', async () => {
  const models = ['--models', join(folder, 'public/models')];
  const list = await writePairs(join(folder, 'others'), pairs);
  const image = join(folder, 'others', pairs[0]?.file as string);
  const said = await run(process.execPath, [
    cli,
    'predict',
    image,
    '--model',
    'pairs',
    '--json',
    ...models,
  ]);
  const predicted = JSON.parse(said.stdout);
  const answer = await served.classify(0);
  expect(predicted.multiLabel).toBe(true);
  expect(predicted.predictions.map(({ label }: { label: string }) => label)).toEqual(
    answer.predictions.map(({ label }) => label),
  );
  const measured = await run(process.execPath, [
    cli,
    'evaluate',
    'pairs',
    '--labels',
    list,
    '--json',
    ...models,
  ]);
  expect(JSON.parse(measured.stdout)).toMatchObject({ multiLabel: true, images: 30, split: 'all' });
});
