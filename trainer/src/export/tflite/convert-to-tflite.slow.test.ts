import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { buildFittedNetwork, patternBatches } from '../../../fixtures/fitted/fitted-network.ts';
import { writeSeveralLabels } from '../../../fixtures/labels/several-labels-model.ts';
import { tinyCard } from '../../../fixtures/tiny-card.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { createRandom } from '../../config/random.ts';
import { type BatchSource, batchIndices, imageBatches } from '../../data/batches.ts';
import { openCifar10 } from '../../datasets/cifar.ts';
import type { ImageSet } from '../../datasets/dataset.ts';
import { loadGraph, readModel } from '../../models/load-model.ts';
import { fusePlan } from '../../plan/fuse.ts';
import { disposePlan } from '../../plan/plan.ts';
import { preparePython } from '../../programs/python-environment.ts';
import { runProgram } from '../../programs/run-program.ts';
import { toGraphModel } from '../graph-model.ts';
import { writeModelDirectory } from '../write-model-directory.ts';
import { exportTflite } from './export-tflite.ts';

const interpreter = fileURLToPath(new URL('../../../parity/run_tflite.py', import.meta.url));
const models = fileURLToPath(new URL('../../../../edge/public/models/', import.meta.url));
const { signal } = new AbortController();
const log = () => {};
const IMAGES = 100;

let folder: string;
beforeAll(async () => {
  await startBackend('wasm', log);
  folder = await temporaryFolder();
});
afterEach(() => vi.unstubAllEnvs());

/** How many answers of a file are those of a model in float32, and how far probabilities are off at most. */
async function compare(file: string, directory: string, source: BatchSource) {
  const { artifacts } = await readModel(directory);
  const network = await loadGraph(artifacts, 'float32');
  const [values, expected]: Float32Array[][] = [[], []];
  for (const indices of batchIndices(source.length, 20)) {
    const inputs = await source.inputs(indices, createRandom(0));
    const outputs = network.run(inputs);
    values?.push((await inputs.data()) as Float32Array);
    expected?.push((await outputs.data()) as Float32Array);
    tf.dispose([inputs, outputs]);
  }
  network.dispose();
  const images = join(folder, 'inputs');
  await writeFile(
    images,
    (values ?? [])
      .map((batch) => Buffer.from(batch.buffer))
      .reduce((a, b) => Buffer.concat([a, b])),
  );
  const { output } = await runProgram(await preparePython(log), [interpreter, file, images]);
  const line = output.split('\n').find((text) => text.startsWith('{')) ?? '';
  const given = JSON.parse(line) as { probabilities: number[][]; types: string[] };
  const ours = (expected ?? []).flatMap((batch) => [...batch]);
  const classes = given.probabilities[0]?.length ?? 0;
  const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
  const rows = given.probabilities.map(
    (row, at) => [row, ours.slice(at * classes, (at + 1) * classes)] as const,
  );
  return {
    ...given,
    same: rows.filter(([row, own]) => best(row) === best(own)).length,
    furthest: Math.max(
      ...rows.flatMap(([row, own]) => row.map((p, at) => Math.abs(p - (own[at] ?? 2)))),
    ),
  };
}

test.each(['efficientnet-lite0', 'efficientnetb0', 'resnet50', 'mobilenetv2'] as const)(
  "%s computes the same in TensorFlow Lite's interpreter, and in 8 bits says the same",
  { timeout: 1_200_000 },
  async (name) => {
    const { network, size } = await buildFittedNetwork(name);
    const plan = fusePlan(network);
    network.dispose();
    const { card, directory } = await writeModelDirectory(
      join(folder, 'models', name),
      await toGraphModel(plan, size, 'uint8'),
      {
        ...tinyCard,
        id: name,
        labels: ['a', 'b', 'c', 'd'].map((label) => ({ name: label })),
        preprocess: { ...tinyCard.preprocess, size, arithmetic: [] },
      },
    );
    disposePlan(plan);
    const float32 = await exportTflite(directory, folder, { kernels: 'float32', signal, log });
    const source = patternBatches(IMAGES, size, 3);
    const plain = await compare(float32, directory, source);
    expect(plain.same).toBe(IMAGES);
    expect(plain.furthest).toBeLessThan(1e-4);
    expect(await readFile(join(folder, `${card.id}.labels.txt`), 'utf8')).toBe('a\nb\nc\nd\n');
    const int8 = await convertInt8(directory, patternBatches(24, size, 2));
    const quantized = await compare(int8, directory, source);
    expect(quantized.types).toContain('int8');
    expect(quantized.same).toBeGreaterThanOrEqual(0.99 * IMAGES);
    // Or activations would not be in 8 bits.
    expect(quantized.furthest).toBeGreaterThan(plain.furthest);
    console.log(
      `${name}: float32 ${plain.furthest}, int8 ${quantized.same} of ${IMAGES}, ${quantized.furthest}`,
    );
  },
);

async function convertInt8(directory: string, source: BatchSource): Promise<string> {
  const { convertToTflite } = await import('./convert-to-tflite.ts');
  const inputs = await source.inputs([...Array(source.length).keys()], createRandom(0));
  const images = [(await inputs.data()) as Float32Array];
  inputs.dispose();
  const file = join(folder, 'int8.tflite');
  await writeFile(file, await convertToTflite(directory, { kernels: 'int8', images, log }));
  return file;
}

test('a trained model in 8 bits, calibrated on its training images, says the same', {
  timeout: 1_200_000,
}, async () => {
  const directory = join(models, 'cifar10-fast');
  const { train, test: held } = await openCifar10();
  const some = (set: ImageSet, length: number) => ({ set, indices: [...Array(length).keys()] });
  const images = async () => some(train, 64);
  const file = await exportTflite(directory, folder, { kernels: 'int8', images, signal, log });
  const { card } = await readModel(directory);
  const source = imageBatches(some(held, 200), card.preprocess);
  const { same, furthest } = await compare(file, directory, source);
  console.log(`cifar10-fast: int8 ${same} of ${source.length}, ${furthest}`);
  expect(same).toBeGreaterThanOrEqual(0.98 * source.length);
  expect((await readFile(file)).length).toBeLessThan(4.2e6);
});

test('gives each of several labels its probability, and has their thresholds in the card', {
  timeout: 300_000,
}, async () => {
  const directory = join(folder, 'models/several');
  await writeSeveralLabels(directory, 0.3);
  const file = await exportTflite(directory, folder, { kernels: 'float32', signal, log });
  const { card } = await readModel(directory);
  const { test: held } = await openCifar10();
  const set = held as ImageSet;
  const source = imageBatches({ set, indices: [...Array(20).keys()] }, card.preprocess);
  const { probabilities, furthest } = await compare(file, directory, source);
  expect(furthest).toBeLessThan(1e-4);
  // A sigmoid each: they are no distribution.
  const sums = probabilities.map((row) => row.reduce((sum, one) => sum + one, 0));
  expect(Math.max(...sums) - Math.min(...sums)).toBeGreaterThan(0.2);
  expect(JSON.parse(await readFile(join(folder, 'several.card.json'), 'utf8'))).toEqual(card);
});

test('says what is missing where there is no Python', async () => {
  vi.stubEnv('GRAFT_CACHE', await temporaryFolder());
  vi.stubEnv('PATH', '');
  const written = exportTflite(join(models, 'cifar10'), folder, {
    kernels: 'float32',
    signal,
    log,
  });
  await expect(written).rejects.toMatchObject({
    code: 'backend_unavailable',
    message: expect.stringContaining('Expected Python 3 with pip'),
  });
});
