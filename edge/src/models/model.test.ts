import { env } from 'cloudflare:workers';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import type { Env } from '../env.ts';
import { type Model, prepareModel, withModel } from './model.ts';
import { loadModelCard, loadModelsIndex, resolveModel } from './models-index.ts';

/** The Worker's assets, which record requests, and fail while `isDown`. */
function countingAssets(): { env: Env; requests: string[]; isDown: boolean } {
  const assets = {
    requests: [] as string[],
    isDown: false,
    env: {
      ASSETS: {
        fetch(url: string) {
          assets.requests.push(new URL(url).pathname);
          return assets.isDown
            ? Promise.resolve(new Response(null, { status: 503 }))
            : (env as Env).ASSETS.fetch(url);
        },
      } as unknown as Fetcher,
    },
  };
  return assets;
}

function load(bindings: Env, directory = 'imagenet', maxModels = 2): Promise<Model> {
  return withModel(bindings, directory, maxModels, (model) => model);
}

test('a failed load is tried again', async () => {
  const assets = countingAssets();
  assets.isDown = true;
  await expect(loadModelsIndex(assets.env)).rejects.toThrow('503');
  await expect(load(assets.env)).rejects.toThrow('503');
  assets.isDown = false;
  expect((await loadModelsIndex(assets.env)).models).toContain('imagenet');
  expect((await load(assets.env)).card.id).toBe('imagenet');
});

test('concurrent loads share one, and the isolate keeps its result', async () => {
  const assets = countingAssets();
  const cards = await Promise.all([1, 2, 3].map(() => loadModelCard(assets.env, 'cifar10')));
  expect(new Set(cards).size).toBe(1);
  expect(await loadModelCard(assets.env, 'cifar10')).toBe(cards[0]);
  expect(assets.requests).toEqual(['/models/cifar10/model.json']);
});

test('serves only the models of the index', async () => {
  const description = await loadModelCard(env as Env, 'imagenet');
  const { version } = description;
  const imagenet = { ...description, id: 'imagenet', directory: 'imagenet' };
  for (const reference of [undefined, 'imagenet', `imagenet@${version}`]) {
    expect(await resolveModel(env as Env, reference)).toEqual(imagenet);
  }
  for (const reference of ['../secrets', 'imagenet@000000000000', 'imagenet@', '@', '']) {
    await expect(resolveModel(env as Env, reference)).rejects.toMatchObject({
      code: 'unknown_model',
    });
  }
});

test('returns probabilities and the score, and keeps no tensor except its input', async () => {
  const { card, classify } = await load(env as Env);
  const input = new Float32Array(card.preprocess.size ** 2 * 3);
  const before = tf.memory().numTensors;
  classify(input);
  expect(tf.memory().numTensors).toBe(before);
  // The second call is recorded, and later calls replay it.
  classify(input);
  const outputs = classify(input);
  expect(tf.memory().numTensors).toBe(before + 1);
  const probabilities = outputs.slice(0, card.labels.length);
  expect(outputs).toHaveLength(card.labels.length + 1);
  expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  expect(Math.min(...probabilities)).toBeGreaterThanOrEqual(0);
});

test('frees a model to make room for another, but none that a request uses', async () => {
  const first = await load(env as Env);
  const input = new Float32Array(first.card.preprocess.size ** 2 * 3);
  // The same weights under another name count as another model.
  const other = () => load(env as Env, './imagenet', 1);
  await withModel(env as Env, 'imagenet', 1, async (model) => {
    await expect(other()).rejects.toMatchObject({ code: 'overloaded' });
    expect(model.classify(input)).toHaveLength(first.card.labels.length + 1);
  });
  const before = tf.memory().numTensors;
  await other();
  await withModel(env as Env, './imagenet', 0, (model) => model);
  await vi.waitFor(() => expect(tf.memory().numTensors).toBeLessThan(before));
  expect((await load(env as Env)).classify(input)).toHaveLength(first.card.labels.length + 1);
});

test('prepares a model only where there is room', async () => {
  const assets = countingAssets();
  await load(assets.env, './cifar10', 1);
  const before = assets.requests.length;
  prepareModel(assets.env, './imagenet', 1);
  expect(assets.requests).toHaveLength(before);
  prepareModel(assets.env, './imagenet', 2);
  prepareModel(assets.env, './imagenet', 2);
  await load(assets.env, './imagenet');
  const weights = assets.requests.slice(before);
  expect(weights.length).toBeGreaterThan(0);
  expect(new Set(weights).size).toBe(weights.length);
  // Both are loaded, and no request uses either.
  expect((await load(assets.env, './cifar10-fast')).card.id).toBe('cifar10-fast');
});
