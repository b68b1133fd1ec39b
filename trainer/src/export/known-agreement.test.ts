import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { KNOWN_FROM, KNOWN_SCORE } from 'shared/contract/known-score';
import { expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { imageBatches } from '../data/batches.ts';
import { generateImages } from '../data/generated-images.ts';
import { openCifar10 } from '../datasets/cifar.ts';
import { whole } from '../datasets/split.ts';
import { loadGraph, readModel } from '../models/load-model.ts';

const IMAGES = 16;
const shipped = new URL('../../../edge/public/models/cifar10-fast', import.meta.url);

test('the Worker in int8 and in float32, and stock tfjs, agree which images are known', async () => {
  await startBackend('wasm', () => {});
  const { card, artifacts } = await readModel(fileURLToPath(shipped));
  const test = { set: (await openCifar10()).test, indices: [...Array(IMAGES).keys()] };
  const parts = [test, whole(generateImages(test, IMAGES))];
  const stock = await tf.loadGraphModel({ load: async () => artifacts });
  const known: boolean[][] = [];
  for (const arithmetic of ['int8', 'float32'] as const) {
    const served = await loadGraph(artifacts, arithmetic);
    known.push(await knownBy((input) => served.outputs?.(input)[1] as tf.Tensor));
    served.dispose();
  }
  known.push(await knownBy((input) => stock.execute(input, KNOWN_SCORE) as tf.Tensor));
  stock.dispose();
  const [inInt8, inFloat32, inStock] = known;
  expect(inFloat32).toEqual(inStock);
  expect(inInt8).toEqual(inStock);
  // Of the test images most are known, and of the generated ones few.
  const count = (from: number) => inStock?.slice(from, from + IMAGES).filter(Boolean).length;
  expect(count(0)).toBeGreaterThan(0.9 * IMAGES);
  expect(count(IMAGES)).toBeLessThan(0.5 * IMAGES);

  async function knownBy(scoreOf: (input: tf.Tensor) => tf.Tensor): Promise<boolean[]> {
    const all: boolean[] = [];
    for (const part of parts) {
      const source = imageBatches(part, card.preprocess);
      for (let at = 0; at < IMAGES; at++) {
        const input = await source.inputs([at], createRandom(0));
        const score = scoreOf(input);
        all.push(((await score.data())[0] as number) >= KNOWN_FROM);
        tf.dispose([input, score]);
      }
    }
    return all;
  }
}, 120_000);
