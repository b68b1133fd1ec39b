import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { readModelDirectory } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { tinyCard } from '../../fixtures/tiny-card.ts';
import { buildTinyNetwork, largestDifference, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { fusePlan } from '../plan/fuse.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import type { GraphModel } from './graph-builder.ts';
import { toGraphModel } from './graph-model.ts';
import { writeModelDirectory } from './write-model-directory.ts';

let models: string;
let directory: string;
let plan: Plan;
let model: GraphModel;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  plan = fusePlan(buildTinyNetwork());
  model = await toGraphModel(plan, TINY_SIZE, 'uint8');
});
beforeEach(async () => {
  models = await temporaryFolder();
  directory = join(models, 'pets');
});

const read = (name: string) => modelFiles(directory)(name);
const index = async () => JSON.parse(await readFile(join(models, 'index.json'), 'utf8'));

function bytesOf({ weightData }: tf.io.ModelArtifacts): Buffer {
  return Buffer.concat((weightData as ArrayBuffer[]).map((buffer) => new Uint8Array(buffer)));
}

test('is read by the shared reader, and predicts as the plan does', async () => {
  const { card } = await writeModelDirectory(directory, model, tinyCard);
  const { artifacts, card: cardRead, version } = await readModelDirectory(read);
  expect(cardRead).toEqual(card);
  expect(version).toMatch(/^[0-9a-f]{12}$/);
  expect(artifacts.modelTopology).toEqual(model.topology);
  expect(artifacts.weightSpecs).toEqual(model.weightSpecs);
  expect(bytesOf(artifacts)).toEqual(Buffer.from(model.weightData));

  const graph = await tf.loadGraphModel({ load: async () => artifacts });
  const photos = tf.randomNormal([2, TINY_SIZE, TINY_SIZE, 3], 0, 1, 'float32', 1);
  const predictions = graph.predict(photos) as tf.Tensor;
  expect(largestDifference(predictions, runPlan(plan, photos))).toBeLessThan(0.02);
  graph.dispose();
});

test("completes the card with the weights' size and hash", async () => {
  const { card } = await writeModelDirectory(directory, model, tinyCard);
  const weights = await read('group1-shard1of1.bin');
  expect(card).toEqual({
    ...tinyCard,
    quantization: { ...tinyCard.quantization, bytes: weights.length },
    weightsHash: createHash('sha256').update(weights).digest('hex'),
  });
});

test('splits the weights into shards of 4 MiB', async () => {
  const shape = [2.25 * 1024 * 1024];
  const weightData = new Uint8Array((shape[0] as number) * 4).map((_, i) => i % 251);
  const weightSpecs = [{ name: 'kernel', shape, dtype: 'float32' as const }];
  await writeModelDirectory(directory, { ...model, weightSpecs, weightData }, tinyCard);
  const sizes = [1, 2, 3].map(async (n) => (await read(`group1-shard${n}of3.bin`)).length);
  expect(await Promise.all(sizes)).toEqual([2 ** 22, 2 ** 22, 2 ** 20]);
  const { artifacts } = await readModelDirectory(read);
  expect(bytesOf(artifacts).equals(weightData)).toBe(true);
});

test('replaces a model as a whole: no file of the old one remains', async () => {
  await writeModelDirectory(directory, model, tinyCard);
  await writeFile(join(directory, 'group1-shard9of9.bin'), 'of an older model');
  await writeModelDirectory(directory, model, { ...tinyCard, title: 'Newer' });
  expect((await readdir(directory)).sort()).toEqual(['group1-shard1of1.bin', 'model.json']);
  expect((await readModelDirectory(read)).card.title).toBe('Newer');
  expect((await readdir(models)).sort()).toEqual(['index.json', 'pets']);
});

test('lists each model once; the first is the default', async () => {
  await writeModelDirectory(directory, model, tinyCard);
  await writeModelDirectory(join(models, 'birds'), model, { ...tinyCard, id: 'birds' });
  await writeModelDirectory(directory, model, tinyCard);
  expect(await index()).toEqual({ default: 'pets', models: ['pets', 'birds'] });
});

test('keeps the default that the user chose', async () => {
  await writeFile(join(models, 'index.json'), '{"default":"imagenet","models":["imagenet"]}');
  await writeModelDirectory(directory, model, tinyCard);
  expect(await index()).toEqual({ default: 'imagenet', models: ['imagenet', 'pets'] });
});

test('writes nothing if the card is invalid, and keeps the existing model', async () => {
  await mkdir(directory);
  await writeFile(join(directory, 'model.json'), 'the old one');
  const wrong = { ...tinyCard, id: 'No Such Id' };
  await expect(writeModelDirectory(directory, model, wrong)).rejects.toThrow('id');
  expect(await readdir(models)).toEqual(['pets']);
  expect(await readFile(join(directory, 'model.json'), 'utf8')).toBe('the old one');
});
