import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import { KNOWN_FROM, KNOWN_SCORE } from 'shared/contract/known-score';
import type { Image } from 'shared/images/image';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import sharp from 'sharp';
import { startBackend } from 'trainer/backends/start-backend';
import { generateImages } from 'trainer/data/generated-images';
import { openCifar10 } from 'trainer/datasets/cifar';
import { loadModel, readModel } from 'trainer/models/load-model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyWithArithmetic } from './copy-with-arithmetic.ts';
import { makeFolder, type Served, serve } from './serve.ts';

// workerd, the trainer and stock tfjs say of the same images that they are known, in int8 and in float32.

const IMAGES = 16;
/** Test images of which 8 bits throughout say otherwise than float32. */
const BORDERLINE = [171, 2010, 2769, 5886, 6422, 9316];
const SHIPPED = fileURLToPath(new URL('../public/models/cifar10-fast', import.meta.url));
const MODELS = ['in-int8', 'in-float32'];

let folder: string;
let served: Served;
let images: Image[];

beforeAll(async () => {
  folder = await makeFolder();
  await startBackend('wasm', () => {});
  for (const arithmetic of ['int8', 'float32'] as const) {
    await copyWithArithmetic(SHIPPED, modelFolder(`in-${arithmetic}`), arithmetic);
  }
  const index = { default: MODELS[0], models: MODELS };
  await writeFile(join(folder, 'public/models/index.json'), JSON.stringify(index));
  const known = { set: (await openCifar10()).test, indices: [...Array(IMAGES).keys()] };
  const generated = generateImages(known, IMAGES);
  images = await Promise.all([
    ...known.indices.map((at) => known.set.image(at)),
    ...known.indices.map((at) => generated.image(at)),
    ...BORDERLINE.map((at) => known.set.image(at)),
  ]);
  served = await serve(folder, await Promise.all(images.map(toPng)));
});

afterAll(() => served?.close());

test('workerd, the trainer and stock tfjs agree which images are known', async () => {
  const inStock = await byStock();
  for (const id of MODELS) {
    const { card, outputs, dispose } = await loadModel(modelFolder(id));
    const inTrainer: number[] = [];
    for (const image of images) {
      const input = inputOf(image, card.preprocess);
      const [probabilities, score] = (outputs?.(input) ?? []) as [tf.Tensor, tf.Tensor];
      inTrainer.push((await score.data())[0] as number);
      tf.dispose([input, probabilities, score]);
    }
    dispose();
    for (const [at, expected] of inTrainer.entries()) {
      const { known, score } = await served.classify(at, { model: id });
      expect(Math.abs((score as number) - expected)).toBeLessThan(1e-4);
      expect({ id, at, known }).toEqual({ id, at, known: (inStock[at] as number) >= KNOWN_FROM });
    }
  }
  // Of the test images most are known, and of the generated ones few.
  const count = (from: number) =>
    inStock.slice(from, from + IMAGES).filter((score) => score >= KNOWN_FROM).length;
  expect(count(0)).toBeGreaterThan(0.8 * IMAGES);
  expect(count(IMAGES)).toBeLessThan(0.5 * IMAGES);
});

async function byStock(): Promise<number[]> {
  const { card, artifacts } = await readModel(modelFolder('in-float32'));
  const graph = await loadGraphModel(tf.io.fromMemory(artifacts));
  const scores = images.map((image) =>
    tf.tidy(() => {
      const score = graph.execute(inputOf(image, card.preprocess), KNOWN_SCORE) as tf.Tensor;
      return score.dataSync()[0] as number;
    }),
  );
  graph.dispose();
  return scores;
}

function inputOf(image: Image, spec: Parameters<typeof preprocess>[1]): tf.Tensor {
  return tf.tensor4d(preprocess(image, spec), [1, spec.size, spec.size, 3]);
}

function toPng({ width, height, channels, data }: Image): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}

function modelFolder(id: string): string {
  return join(folder, 'public/models', id);
}
