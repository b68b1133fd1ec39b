import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { Prediction } from 'shared/answers';
import { readModelDirectory } from 'shared/model-directory';
import { preprocess } from 'shared/preprocess-node';
import sharp from 'sharp';
import { exportPretrained } from 'trainer/export/export-pretrained';
import type {} from 'trainer/runtime/backends-global-setup';
import { startBackend } from 'trainer/runtime/start-backend';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { makeFolder, type Served, serve } from './serve.ts';

// One float32 model, one answer: in workerd, and in Node on WASM and on TensorFlow.

const NAMES = ['chelsea-224', 'coffee-224', 'rocket-224'];
const TOLERANCE = 1e-4;

let folder: string;
let served: Served;
let inWorkerd: Prediction[][];

beforeAll(async () => {
  folder = await makeFolder();
  await startBackend('wasm', console.log);
  await exportPretrained('efficientnet-lite0', 'imagenet', join(folder, 'public/models/imagenet'), {
    quantize: 'float32',
  });
  served = await serve(folder, await Promise.all(NAMES.map((name) => readFile(fixture(name)))));
  inWorkerd = [];
  for (const index of NAMES.keys()) {
    inWorkerd.push((await served.classify(index, 100)).predictions);
  }
});

afterAll(() => served?.close());

test.each([
  { backend: 'wasm' as const, runs: true },
  { backend: 'native' as const, runs: inject('native') },
])('$backend in Node agrees with workerd', async ({ backend, runs }) => {
  if (!runs) return console.warn('The native backend is not to be had here: not compared.');
  await startBackend(backend, console.log);
  const models = join(folder, 'public/models/imagenet');
  const { artifacts, card } = await readModelDirectory(
    async (name) => new Uint8Array(await readFile(join(models, name))),
  );
  const graph = await loadGraphModel(tf.io.fromMemory(artifacts));
  for (const [index, name] of NAMES.entries()) {
    const { data, info } = await sharp(fixture(name))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const picture = { width: info.width, height: info.height, channels: 3, data } as const;
    const input = preprocess(picture, card.preprocess);
    const probabilities = tf.tidy(() =>
      (graph.predict(tf.tensor4d(input, [1, 224, 224, 3])) as tf.Tensor).dataSync(),
    );
    for (const { index: place, probability } of inWorkerd[index] as Prediction[]) {
      expect(Math.abs(probability - (probabilities[place] as number))).toBeLessThan(TOLERANCE);
    }
  }
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../shared/fixtures/${name}.png`, import.meta.url));
}
