import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import type { PreprocessSpec } from 'shared/contract/preprocess-spec';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import sharp from 'sharp';
import { startBackend } from 'trainer/backends/start-backend';
import { unitRows } from 'trainer/evaluation/prototypes';
import { exportPretrained } from 'trainer/export/export-pretrained';
import { eachRow } from 'trainer/export/feature-rows';
import { fromArtifacts, toArtifacts } from 'trainer/export/graph-builder';
import { cutGraph, headOf } from 'trainer/export/known-score';
import { loadGraph, loadModel, readModel } from 'trainer/models/load-model';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type {} from '../../trainer/fixtures/backends-global-setup.ts';
import { makeFolder, type Served, serve } from './serve.ts';

// A model gives the same predictions in workerd and in Node, where the trainer measures its accuracy.

const NAMES = ['chelsea-224', 'coffee-224', 'rocket-224'];
const TOLERANCE = 1e-4;

let folder: string;
let served: Served;

beforeAll(async () => {
  folder = await makeFolder();
  await startBackend('wasm', console.log);
  const [network, weights] = ['efficientnet-lite0', 'imagenet'] as const;
  await exportPretrained(network, weights, modelFolder('float32'), { quantize: 'float32' });
  await exportPretrained(network, weights, modelFolder('int8'));
  served = await serve(folder, await Promise.all(NAMES.map((name) => readFile(fixture(name)))));
});

afterAll(() => served?.close());

test.each([
  { backend: 'wasm' as const, runs: true },
  { backend: 'native' as const, runs: inject('native') },
])('in float32, stock tfjs on $backend in Node agrees with workerd', async ({ backend, runs }) => {
  if (!runs)
    return console.warn('The native backend is not available here, so it is not compared.');
  await startBackend(backend, console.log);
  const { artifacts, card } = await readModelDirectory(modelFiles(modelFolder('float32')));
  const graph = await loadGraphModel(tf.io.fromMemory(artifacts));
  const run = (input: tf.Tensor) => graph.predict(input) as tf.Tensor;
  await expectAgreement('float32', run, card.preprocess);
});

test.each(['float32', 'int8'])(
  'in %s, the trainer agrees with workerd on every backend',
  async (arithmetic) => {
    await startBackend('cpu', () => {});
    const { run, preprocess: spec, dispose } = await loadModel(modelFolder(arithmetic));
    await expectAgreement(arithmetic, run, spec);
    expect(tf.getBackend()).toBe('cpu');
    dispose();
  },
);

test.each(['float32', 'int8'])('in %s, embeddings are the features of the trainer', async (id) => {
  await startBackend('cpu', () => {});
  const { card, artifacts } = await readModel(modelFolder(id));
  const graph = fromArtifacts(artifacts);
  const trunk = toArtifacts(cutGraph(graph, headOf(graph).features));
  const { run, dispose } = await loadGraph(trunk, card.quantization.arithmetic);
  for (const [index, name] of NAMES.entries()) {
    const input = tf.tensor4d(await inputOf(name, card.preprocess), [1, 224, 224, 3]);
    const values = tf.tidy(() => run(input).dataSync<'float32'>());
    const row = eachRow(unitRows({ width: values.length, values }, [0]))[0] as Float32Array;
    const { dimensions, data } = (await served.embed(index, { model: id })).embedding;
    const embedding = new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer);
    expect(dimensions).toBe(row.length);
    for (const [at, value] of row.entries()) {
      expect(Math.abs(value - (embedding[at] as number))).toBeLessThan(1e-6);
    }
    expect(new Set(embedding).size).toBeGreaterThan(row.length / 4);
    input.dispose();
  }
  dispose();
});

test('in int8, a batch of images gives the same as the images one by one', async () => {
  const { run, dispose } = await loadModel(modelFolder('int8'));
  tf.tidy(() => {
    const images = tf.randomNormal([70, 224, 224, 3], 0, 1, 'float32', 7);
    const predictions = run(images);
    expect(predictions.shape).toEqual([70, 1000]);
    for (const place of [0, 34, 69]) {
      const alone = run(images.slice(place, 1)).dataSync();
      const together = predictions.slice(place, 1).dataSync();
      for (const [i, value] of alone.entries()) expect(together[i]).toBeCloseTo(value, 5);
    }
  });
  dispose();
});

async function expectAgreement(
  model: string,
  run: (input: tf.Tensor) => tf.Tensor,
  spec: PreprocessSpec,
): Promise<void> {
  for (const [index, name] of NAMES.entries()) {
    const { predictions } = await served.classify(index, { model, top: '100' });
    const input = await inputOf(name, spec);
    const probabilities = tf.tidy(() =>
      run(tf.tensor4d(input, [1, 224, 224, 3])).dataSync<'float32'>(),
    );
    expect(predictions).toHaveLength(100);
    for (const { index: place, probability } of predictions) {
      expect(Math.abs(probability - (probabilities[place] as number))).toBeLessThan(TOLERANCE);
    }
  }
}

async function inputOf(name: string, spec: PreprocessSpec): Promise<Float32Array> {
  const { data, info } = await sharp(fixture(name))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return preprocess({ width: info.width, height: info.height, channels: 3, data }, spec);
}

function modelFolder(id: string): string {
  return join(folder, 'public/models', id);
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../shared/fixtures/${name}.png`, import.meta.url));
}
