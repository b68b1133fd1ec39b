import { env } from 'cloudflare:workers';
import { type FeedbackLine, feedbackLine } from 'shared/contract/feedback';
import { KNOWN_SCORE } from 'shared/contract/known-score';
import { type ClassifyResponse, classifyResponse, modelsResponse } from 'shared/contract/responses';
import { beforeEach, expect, inject, test, vi } from 'vitest';
import { ask } from '../../test/ask.ts';
import { publishModel, severalLabels } from '../../test/publish-model.ts';
import { sha256Hex } from '../access/sha256-hex.ts';
import { createApp } from '../app.ts';
import type { Env } from '../env.ts';
import { defaultLimits, type FeedbackLimits } from '../limits.ts';

const host = inject('imageHost');
const { TEST_FEEDBACK: FEEDBACK, TEST_MODELS: MODELS } = env;
const owner = { authorization: 'Bearer a-long-key' };
const API_KEY_HASHES = await sha256Hex('a-long-key');

/** A Worker that doubts all images, unless the limits say another thing. */
function appWith(limits: Partial<FeedbackLimits> = {}) {
  const feedback = { ...defaultLimits.feedback, doubtfulBelow: 1.1, ...limits };
  return createApp({ ...defaultLimits, feedback });
}

beforeEach(async () => {
  const { objects } = await FEEDBACK.list();
  await FEEDBACK.delete(objects.map(({ key }) => key));
});

async function classify(
  app = appWith(),
  query: Record<string, string> = {},
  bindings: Partial<Env> = { FEEDBACK },
): Promise<ClassifyResponse> {
  const search = new URLSearchParams({ url: `${host}/chelsea.jpg?secret=1`, ...query });
  const init = { headers: { 'cache-control': 'no-store', 'cf-connecting-ip': '192.0.2.7' } };
  const response = await ask(app, `/classify?${search}`, init, bindings);
  expect(response.status).toBe(200);
  return classifyResponse.parse(await response.json());
}

/** Images are kept after the response. */
function keptKeys(count: number): Promise<string[]> {
  return vi.waitFor(async () => {
    const { objects } = await FEEDBACK.list({ prefix: 'images/' });
    expect(objects).toHaveLength(count);
    return objects.map(({ key }) => key);
  });
}

function say(id: string | undefined, label: string, headers: Record<string, string> = owner) {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ id, label }),
  };
  return ask(appWith(), '/feedback', init, { FEEDBACK, API_KEY_HASHES });
}

async function list(): Promise<FeedbackLine[]> {
  const init = { headers: owner };
  const response = await ask(appWith(), '/feedback', init, { FEEDBACK, API_KEY_HASHES });
  expect(response.status).toBe(200);
  const lines = new TextDecoder()
    .decode(await response.arrayBuffer())
    .trimEnd()
    .split('\n');
  return lines.map((line) => feedbackLine.parse(JSON.parse(line)));
}

test('keeps a doubtful image with what the model said, and neither its url nor an address', async () => {
  const { feedback, model, predictions, score } = await classify();
  const [key] = await keptKeys(1);
  const object = await FEEDBACK.get(key as string);
  const image = await (await fetch(`${host}/chelsea.jpg`)).arrayBuffer();
  expect(new Uint8Array(await (object as R2ObjectBody).arrayBuffer())).toEqual(
    new Uint8Array(image),
  );
  expect(JSON.stringify([key, object])).not.toMatch(/secret|chelsea|127\.0\.0\.1|192\.0\.2\.7/);
  expect(await list()).toEqual([
    {
      id: feedback,
      format: 'jpeg',
      predicted: predictions[0]?.label,
      probability: predictions[0]?.probability,
      score,
      model: model.id,
      version: model.version,
      at: expect.any(String),
    },
  ]);
});

test('keeps an unknown image whose predictions are withheld, with the predicted label', async () => {
  const version = await publishModel((_, { modelTopology: { node } }) => {
    const [logits = ''] = node.at(-1)?.input ?? [];
    // Its first number is that of airplanes, which none of the images shows.
    node.splice(-1, 0, { name: KNOWN_SCORE, op: 'Sigmoid', input: [logits] });
  });
  const index = { default: 'cifar10', models: [`cifar10@${version}`] };
  await MODELS.put('index.json', JSON.stringify(index));
  const app = appWith({ doubtfulBelow: 0 });
  const all = await classify(app, {}, { FEEDBACK, MODELS });
  expect(all).toMatchObject({ known: false, predictions: [{ label: 'cat' }, {}, {}, {}, {}] });
  const rejected = await classify(app, { unknown: 'reject' }, { FEEDBACK, MODELS });
  expect(rejected.predictions).toEqual([]);
  await keptKeys(2);
  const { score } = all;
  const said = { predicted: 'cat', score, model: 'cifar10', version };
  expect(await list()).toMatchObject([said, said]);
});

test('of several labels, keeps an image of which one is near its threshold, with the labels that it got', async () => {
  const askOf = async (threshold: number, bindings: Partial<Env> = { FEEDBACK }) => {
    const version = await publishModel(severalLabels(threshold));
    const index = { default: 'cifar10', models: [`cifar10@${version}`] };
    await MODELS.put('index.json', JSON.stringify(index));
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
    return classify(appWith({ doubtfulBelow: 0.51 }), {}, { MODELS, ...bindings });
  };
  const all = (await askOf(0, {})).predictions;
  const probabilities = all.map(({ probability }) => probability);
  const gaps = probabilities.slice(1).map((one, at) => (probabilities[at] as number) - one);
  const widest = gaps.indexOf(Math.max(...gaps));
  const [above = 0, below = 0] = probabilities.slice(widest);
  expect(await askOf((above + below) / 2)).not.toHaveProperty('feedback');
  const kept = await askOf(above - 0.005);
  expect(kept).toMatchObject({ multiLabel: true, feedback: expect.any(String) });
  await keptKeys(1);
  const labels = all.slice(0, widest + 1).map(({ label }) => label);
  expect(await list()).toMatchObject([{ predicted: labels.at(-1), labels }]);
  vi.restoreAllMocks();
});

test('keeps no image that the model is sure of, none too large, and none without the bucket', async () => {
  const sure = appWith({ doubtfulBelow: 0 });
  expect(await classify(sure)).not.toHaveProperty('feedback');
  expect(await classify(appWith({ maxBytes: 1000 }))).not.toHaveProperty('feedback');
  expect(await classify(appWith(), {}, {})).not.toHaveProperty('feedback');
  await keptKeys(0);
});

test('keeps so many images a day and a class, and is back the next day', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2031, 0, 1) });
  const app = appWith({ perClass: 2, perDay: 3 });
  for (let i = 0; i < 2; i++) await classify(app, { model: 'cifar10' });
  await keptKeys(2);
  // The third is refused by the bucket, and from then on no image gets a name.
  expect(await classify(app, { model: 'cifar10' })).toHaveProperty('feedback');
  await vi.waitFor(async () =>
    expect(await classify(app, { model: 'cifar10' })).not.toHaveProperty('feedback'),
  );
  await classify(app, { model: 'imagenet' });
  await keptKeys(3);
  await classify(app, { model: 'imagenet', url: `${host}/coffee.png` });
  await scheduler.wait(50);
  await keptKeys(3);
  vi.setSystemTime(Date.UTC(2031, 0, 2));
  await classify(app, { model: 'cifar10' });
  await keptKeys(4);
  vi.useRealTimers();
});

test('notes what somebody says that a kept image is; the last word counts', async () => {
  const { feedback } = await classify();
  await keptKeys(1);
  expect((await say(feedback, 'Katze')).status).toBe(204);
  expect((await say(feedback, 'Bär 🐻')).status).toBe(204);
  expect(await list()).toMatchObject([{ id: feedback, label: 'Bär 🐻' }]);
  const gone = `2031-01-01.cifar10.3.${crypto.randomUUID()}`;
  expect((await say(gone, 'cat')).status).toBe(404);
  expect((await say('../index.json', 'cat')).status).toBe(400);
  expect((await say(feedback, '')).status).toBe(400);
  expect((await say(feedback, 'cat', {})).status).toBe(401);
});

test('hands images out for a key only, also where the rest is open', async () => {
  const { feedback } = await classify();
  await keptKeys(1);
  const app = appWith();
  for (const path of ['/feedback', `/feedback/${feedback}`]) {
    expect((await ask(app, path, {}, { FEEDBACK, API_KEY_HASHES })).status).toBe(401);
    expect((await ask(app, path, { headers: owner }, { FEEDBACK })).status).toBe(503);
    expect((await ask(app, path, { headers: owner }, { API_KEY_HASHES })).status).toBe(404);
  }
  const bindings = { FEEDBACK, API_KEY_HASHES };
  const response = await ask(app, `/feedback/${feedback}`, { headers: owner }, bindings);
  // Never shown by a browser as what it may be.
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  const image = await (await fetch(`${host}/chelsea.jpg`)).arrayBuffer();
  expect((await response.arrayBuffer()).byteLength).toBe(image.byteLength);
  const other = await ask(app, '/feedback/no-such', { headers: owner }, bindings);
  expect(other.status).toBe(404);
});

test('tells pages whether it keeps images', async () => {
  const models = async (bindings: Partial<Env>) =>
    modelsResponse.parse(await (await ask(appWith(), '/models', {}, bindings)).json());
  expect(await models({ FEEDBACK })).toHaveProperty('feedback', true);
  expect(await models({})).not.toHaveProperty('feedback');
});
