import { env } from 'cloudflare:workers';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { Env } from './env.ts';
import { loadModel, loadModelCard, loadModelsIndex, resolveModelId } from './model.ts';

/** The Worker's assets, counted, and failing as long as told to. */
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

test('a load that failed is tried again', async () => {
  const assets = countingAssets();
  assets.isDown = true;
  await expect(loadModelsIndex(assets.env)).rejects.toThrow('503');
  await expect(loadModel(assets.env, 'imagenet')).rejects.toThrow('503');
  assets.isDown = false;
  expect((await loadModelsIndex(assets.env)).models).toContain('imagenet');
  expect((await loadModel(assets.env, 'imagenet')).card.id).toBe('imagenet');
});

test('loads at once share one load, and the isolate keeps it', async () => {
  const assets = countingAssets();
  const cards = await Promise.all([1, 2, 3].map(() => loadModelCard(assets.env, 'imagenet')));
  expect(new Set(cards).size).toBe(1);
  expect(await loadModelCard(assets.env, 'imagenet')).toBe(cards[0]);
  expect(assets.requests).toEqual(['/models/imagenet/model.json']);
});

test('serves the models of the index only', async () => {
  const { default: fallback } = await loadModelsIndex(env as Env);
  expect(await resolveModelId(env as Env, undefined)).toBe(fallback);
  expect(await resolveModelId(env as Env, 'imagenet')).toBe('imagenet');
  await expect(resolveModelId(env as Env, '../secrets')).rejects.toMatchObject({
    code: 'unknown_model',
  });
});

test('classifies into probabilities, and keeps no tensor', async () => {
  const { card, classify } = await loadModel(env as Env, 'imagenet');
  const input = new Float32Array(card.preprocess.size ** 2 * 3);
  classify(input);
  const before = tf.memory().numTensors;
  const probabilities = classify(input);
  expect(tf.memory().numTensors).toBe(before);
  expect(probabilities).toHaveLength(card.labels.length);
  expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  expect(Math.min(...probabilities)).toBeGreaterThanOrEqual(0);
});
