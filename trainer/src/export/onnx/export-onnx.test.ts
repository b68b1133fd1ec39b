import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { decoderPrograms } from 'shared/images/decode-node';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import { createPixelSink } from 'shared/images/reduce/pixel-sink';
import { reductionFor } from 'shared/images/reduce/reduction';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { writeSeveralLabels } from '../../../fixtures/labels/several-labels-model.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { createRandom } from '../../config/random.ts';
import { batchIndices, imageBatches } from '../../data/batches.ts';
import { openCifar10 } from '../../datasets/cifar.ts';
import type { ImageSet } from '../../datasets/dataset.ts';
import { loadGraph, readModel } from '../../models/load-model.ts';
import { exportOnnx } from './export-onnx.ts';

const directory = fileURLToPath(
  new URL('../../../../edge/public/models/cifar10-fast', import.meta.url),
);

const { signal } = new AbortController();
let folder: string;
beforeAll(async () => {
  await startBackend('wasm', () => {});
  folder = await temporaryFolder();
});

// Divided by 1, 2 and 13, cut at both sides, and enlarged.
test.each([
  [240, 301],
  [500, 470],
  [4032, 3024],
  [64, 90],
])('classifies an image of %i × %i pixels as the Worker does', async (width, height) => {
  const { card, artifacts } = await readModel(directory);
  const path = await exportOnnx(directory, folder, {
    kernels: 'float32',
    withPreprocess: true,
    signal,
  });
  const session = await ort.InferenceSession.create(path);
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < rgb.length; at++) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)];
    rgb[at] =
      128 + 100 * Math.sin((x * (1 + (at % 3))) / width / 0.1) * Math.cos(y / height / 0.07);
  }
  const image = new ort.Tensor('uint8', rgb, [height, width, 3]);
  const { probabilities } = await session.run({ image });

  const reduction = reductionFor(width, height, card.preprocess.size);
  const sink = await createPixelSink(decoderPrograms, width, height, reduction);
  const rgba = Uint8Array.from({ length: width * 4 }, () => 255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      rgba.set(rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), x * 4);
    }
    sink.add(rgba, y);
  }
  const { size } = card.preprocess;
  const input = tf.tensor(preprocess(sink.finish(), card.preprocess), [1, size, size, 3]);
  const network = await loadGraph(artifacts);
  const expected = network.run(input).dataSync();
  expect(probabilities?.dims).toEqual([1, card.labels.length]);
  const differences = expected.map((value, i) => Math.abs(value - Number(probabilities?.data[i])));
  expect(Math.max(...differences)).toBeLessThan(1e-3);
});

test('has the labels and the card among its metadata', async () => {
  const { card } = await readModel(directory);
  const path = await exportOnnx(directory, folder, {
    kernels: 'uint8',
    withPreprocess: false,
    signal,
  });
  const file = await readFile(path, 'latin1');
  expect(file).toContain(JSON.stringify(card.labels.map(({ name }) => name)));
  expect(file).toContain(card.weightsHash);
  expect(file.length).toBeLessThan(4e6);
});

test('answers in 8 bits as the Worker does, calibrated on other images', {
  timeout: 300_000,
}, async () => {
  const { card, artifacts } = await readModel(directory);
  const { size } = card.preprocess;
  const { train, test } = await openCifar10();
  const some = (set: ImageSet, length: number) => ({ set, indices: [...Array(length).keys()] });
  const path = await exportOnnx(directory, folder, {
    ...{ kernels: 'int8', withPreprocess: false, signal },
    images: async () => some(train, 16),
  });
  const session = await ort.InferenceSession.create(path);
  const source = imageBatches(some(test as ImageSet, 100), card.preprocess);
  const network = await loadGraph(artifacts, card.quantization.arithmetic);
  const answers = await Promise.all(
    [...batchIndices(source.length, 25)].map(async (indices) => {
      const inputs = await source.inputs(indices, createRandom(0));
      const data = (await inputs.transpose([0, 3, 1, 2]).data()) as Float32Array;
      const feeds = { input: new ort.Tensor('float32', data, [indices.length, 3, size, size]) };
      const { probabilities } = await session.run(feeds);
      const theirs = tf.tensor2d(probabilities?.data as Float32Array, [indices.length, 10]);
      const ours = network.run(inputs);
      return {
        agreeing: theirs.argMax(1).equal(ours.argMax(1)).sum().arraySync() as number,
        difference: theirs.sub(ours).abs().max().arraySync() as number,
      };
    }),
  );
  await session.release();
  network.dispose();
  const agreeing = answers.reduce((sum, answer) => sum + answer.agreeing, 0);
  expect(agreeing / source.length).toBeGreaterThanOrEqual(0.99);
  // Or activations would not be in 8 bits.
  expect(Math.max(...answers.map(({ difference }) => difference))).toBeGreaterThan(0.005);
  const file = await readFile(path, 'latin1');
  expect(file.length).toBeLessThan(4e6);
  expect(file.match(/QuantizeLinear/g)?.length).toBeGreaterThan(50);
});

test('gives each of several labels its probability, and has their thresholds in the card', {
  timeout: 300_000,
}, async () => {
  const several = join(folder, 'several');
  await writeSeveralLabels(several, 0.3);
  const { card, artifacts } = await readModel(several);
  const { size } = card.preprocess;
  const { train, test } = await openCifar10();
  const some = (set: ImageSet, length: number) => ({ set, indices: [...Array(length).keys()] });
  const source = imageBatches(some(test as ImageSet, 20), card.preprocess);
  const inputs = await source.inputs([...Array(20).keys()], createRandom(0));
  const data = (await inputs.transpose([0, 3, 1, 2]).data()) as Float32Array;
  const network = await loadGraph(artifacts);
  const expected = network.run(inputs).dataSync<'float32'>();
  const options = { withPreprocess: false, signal, images: async () => some(train, 16) };
  for (const [kernels, tolerance] of [
    ['float32', 1e-4],
    ['int8', 0.1],
  ] as const) {
    const path = await exportOnnx(several, folder, { ...options, kernels });
    expect(await readFile(path, 'latin1')).toContain('"multiLabel":{"thresholds":[0.3,');
    const session = await ort.InferenceSession.create(path);
    const feeds = { input: new ort.Tensor('float32', data, [20, 3, size, size]) };
    const { probabilities } = await session.run(feeds);
    await session.release();
    const given = probabilities?.data as Float32Array;
    const differences = given.map((value, at) => Math.abs(value - (expected[at] ?? 2)));
    expect(Math.max(...differences)).toBeLessThan(tolerance);
  }
  network.dispose();
  // A sigmoid each: they are no distribution.
  const sums = Array.from({ length: 20 }, (_, at) =>
    expected.subarray(10 * at, 10 * at + 10).reduce((sum, one) => sum + one, 0),
  );
  expect(Math.max(...sums) - Math.min(...sums)).toBeGreaterThan(0.2);
});
