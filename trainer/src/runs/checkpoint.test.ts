import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { smoke } from '../config/smoke.ts';
import { writeSafetensors } from '../weights/safetensors/safetensors.ts';
import { type CheckpointHeader, loadCheckpoint, saveCheckpoint, snapshot } from './checkpoint.ts';

let path: string;
let directory: string;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  directory = await temporaryFolder();
  path = join(directory, 'checkpoint.safetensors');
});

const header: CheckpointHeader = {
  stage: 2,
  epoch: 1,
  step: 7,
  lossSum: 1.5,
  optimizerSteps: 19,
  best: { epoch: 1, accuracy: 0.1 + 0.2 },
  seconds: 12.5,
  config: smoke,
  data: '/photos',
  datasetHash: 'abc',
  backend: 'cpu',
  stage1Accuracy: 2 / 3,
};
const tensors = new Map([['parameters/a', { shape: [2], values: Float32Array.of(0.1, -0) }]]);

test('stores every number exactly', async () => {
  await saveCheckpoint(path, { header, tensors });
  expect(await loadCheckpoint(path)).toEqual({ header, tensors });
});

const invalid = { name: 'TrainerError', code: 'checkpoint_invalid' };

test.each([
  ['stage', 4],
  ['epoch', -1],
  ['best', undefined],
  ['config', { ...smoke, size: 31 }],
  ['datasetHash', 12],
  ['fromTheFuture', true],
])('refuses a checkpoint with the %s %j', async (field, value) => {
  const metadata = { graft: JSON.stringify({ ...header, [field]: value }) };
  await writeSafetensors(path, { metadata, tensors });
  await expect(loadCheckpoint(path)).rejects.toMatchObject(invalid);
});

test('refuses weights that are not a checkpoint, and says what to do', async () => {
  await writeSafetensors(path, { metadata: { format: 'pt' }, tensors });
  await expect(loadCheckpoint(path)).rejects.toMatchObject({
    ...invalid,
    message: `Expected a checkpoint at ${path}, but the file is missing, damaged or from another version. Start a new training without --resume.`,
  });
});

test.each([0, 4, 100, -1])('refuses a checkpoint cut off at byte %i', async (end) => {
  await saveCheckpoint(path, { header, tensors });
  await writeFile(path, (await readFile(path)).subarray(0, end));
  await expect(loadCheckpoint(path)).rejects.toMatchObject(invalid);
});

test('refuses a path that does not exist', async () => {
  await expect(loadCheckpoint(join(directory, 'none'))).rejects.toMatchObject(invalid);
});

test('copies values under a prefix; further training does not change them', async () => {
  const weight = tf.variable(tf.tensor1d([1, 2]));
  const before = tf.memory().numTensors;
  const copies = await snapshot([['w', weight]], 'best/');
  expect(tf.memory().numTensors).toBe(before);
  tf.tidy(() => weight.assign(tf.tensor1d([3, 4])));
  expect(copies).toEqual(new Map([['best/w', { shape: [2], values: Float32Array.of(1, 2) }]]));
});
