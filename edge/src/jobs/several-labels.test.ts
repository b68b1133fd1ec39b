import { env } from 'cloudflare:workers';
import { classifyResponse, embedResponse, similarResponse } from 'shared/contract/responses';
import { beforeEach, expect, test } from 'vitest';
import { ask } from '../../test/ask.ts';
import {
  advance,
  app,
  bindings,
  call,
  clearJobs,
  deliverAll,
  host,
  linesOf,
  photo,
  photos,
  show,
  start,
  TEST_PHOTOS,
} from '../../test/jobs.ts';
import { publishModel, severalLabels } from '../../test/publish-model.ts';

// What the Worker does with many images, by a model of several labels an image.

const { TEST_MODELS: MODELS } = env;
/** Most of the ten labels are below it, and some are above. */
const THRESHOLD = 0.4;
const NAMES = ['chelsea-224.png', 'coffee-224.png', 'rocket-224.png', 'chelsea.jpg'];

clearJobs();

let version: string;
beforeEach(async () => {
  version = await publishModel(severalLabels(THRESHOLD));
  const index = { default: 'cifar10', models: [`cifar10@${version}`] };
  await MODELS.put('index.json', JSON.stringify(index));
  bindings.MODELS = MODELS;
  for (const name of NAMES) await TEST_PHOTOS.put(`p/${name}`, await photo(name));
});

async function finish(job: string): Promise<void> {
  for (let steps = 0; (await advance(job)).status === 'running' && steps < 20; steps++) {
    await deliverAll();
  }
  expect(await show(job)).toMatchObject({ status: 'done', images: { done: 4, failed: 0 } });
}

test('a job gives each image all labels that reach their thresholds, as /classify does', async () => {
  const { id, model } = await start(photos, 'cifar10');
  expect(model).toBe(`cifar10@${version}`);
  await finish(id);
  const lines = await linesOf(id);
  expect(lines).toHaveLength(NAMES.length);
  const counts = new Set<number>();
  for (const line of lines) {
    if (!('answer' in line)) throw new Error(`Expected an answer for ${line.image}.`);
    const { predictions, multiLabel } = line.answer;
    const query = new URLSearchParams({ url: `${host}/${line.image.slice(2)}`, top: '1' });
    const alone = await ask(app, `/classify?${query}`, {}, { MODELS });
    expect(classifyResponse.parse(await alone.json())).toMatchObject({ multiLabel, predictions });
    expect(multiLabel).toBe(true);
    expect(predictions.every(({ probability }) => probability >= THRESHOLD)).toBe(true);
    counts.add(predictions.length);
  }
  // The job asked for one.
  expect(Math.max(...counts)).toBeGreaterThan(1);
});

test('an index has the embeddings that /embed gives, and /similar finds by it', async () => {
  const response = await call('/jobs', {
    body: { source: photos, model: 'cifar10', index: 'several' },
  });
  const { id } = (await response.json()) as { id: string };
  await finish(id);
  const embedded = await ask(app, `/embed?url=${host}/coffee-224.png`, {}, { MODELS });
  const { model, embedding } = embedResponse.parse(await embedded.json());
  expect(model).toEqual({ id: 'cifar10', version });
  expect(embedding.dimensions).toBe(1280);
  const query = new URLSearchParams({ url: `${host}/chelsea.jpg`, index: 'several' });
  const { matches } = similarResponse.parse(await (await call(`/similar?${query}`)).json());
  expect(matches.map(({ image }) => image).slice(0, 2)).toEqual([
    'p/chelsea.jpg',
    'p/chelsea-224.png',
  ]);
  expect(matches[0]?.similarity).toBeGreaterThan(0.9995);
});
