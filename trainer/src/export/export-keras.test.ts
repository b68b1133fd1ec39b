import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { smoke } from '../config/smoke.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { buildLayers } from '../models/build-network.ts';
import {
  type Checkpoint,
  type CheckpointHeader,
  checkpointIn,
  saveCheckpoint,
} from '../runs/checkpoint.ts';
import { loadRun } from '../runs/load-run.ts';
import { readWeights } from '../weights/read-weights.ts';
import { exportRunKeras } from './export-keras.ts';

const CLASSES = 3;
const config = { ...smoke, size: 32 };
const trained = new Map([
  ['parameters/predictions/bias', { shape: [CLASSES], values: Float32Array.of(1, 2, 3) }],
  ['parameters/stem_conv/kernel', { shape: [3, 3, 3, 32], values: new Float32Array(864).fill(7) }],
]);

let run: string;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  run = await temporaryFolder();
});

async function save(
  config: TrainConfig,
  change: Partial<CheckpointHeader> = {},
  tensors: Checkpoint['tensors'] = trained,
): Promise<void> {
  const start = { epoch: 0, step: 0, lossSum: 0, optimizerSteps: 0, best: null, seconds: 0 };
  const of = { config, data: null, datasetHash: 'abc', backend: 'cpu', stage1Accuracy: null };
  const header = { ...start, ...of, stage: 3, ...change } as const;
  await saveCheckpoint(checkpointIn(run), { header, tensors });
}

test('writes the trained weights of a run, and the pretrained BatchNorm', async () => {
  await save(config);
  const path = join(run, 'network.weights.h5');
  const before = tf.memory().numTensors;
  await exportRunKeras(path, run);
  expect(tf.memory().numTensors).toBe(before);

  const { network, dispose } = await buildLayers(config, CLASSES);
  const tensors = await readWeights(path, network.layers);
  expect(tensors.get('predictions/bias')).toEqual(trained.get('parameters/predictions/bias'));
  expect(tensors.get('stem_conv/kernel')).toEqual(trained.get('parameters/stem_conv/kernel'));
  const stem = network.getLayer('stem_bn').getWeights() as tf.Tensor[];
  const names = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
  expect(names.map((name) => tensors.get(`stem_bn/${name}`)?.values)).toEqual(
    stem.map((weight) => weight.dataSync()),
  );
  dispose();
});

test('exports the best epoch of an unfinished run, and refuses a run without one', async () => {
  const bias = { shape: [CLASSES], values: new Float32Array(CLASSES).fill(3) };
  const tensors = new Map([...trained, ['best/predictions/bias', bias] as const]);
  await save(config, { stage: 2, best: { epoch: 1, accuracy: 0.5 } }, tensors);
  const path = join(run, 'best.weights.h5');
  await exportRunKeras(path, run);
  const { network, dispose } = await buildLayers(config, CLASSES);
  expect((await readWeights(path, network.layers)).get('predictions/bias')).toEqual(bias);
  dispose();

  await save(config, { stage: 1, step: 9 });
  await expect(exportRunKeras(path, run)).rejects.toMatchObject({ code: 'run_invalid' });
});

test('refuses a run whose BatchNorm is not in the checkpoint', async () => {
  await save({ ...config, weights: 'none' });
  await expect(exportRunKeras(join(run, 'x.weights.h5'), run)).rejects.toMatchObject({
    code: 'config_invalid',
  });
});

test('writes the same layers for a run of several labels, whose last one ends in sigmoids', async () => {
  await save(config, { labels: 'labels.csv' });
  const path = join(run, 'several.weights.h5');
  await exportRunKeras(path, run);
  const { network, dispose } = await loadRun(run);
  expect(network.layers.at(-1)?.getConfig()).toMatchObject({ activation: 'sigmoid' });
  const tensors = await readWeights(path, network.layers);
  expect(tensors.get('predictions/bias')).toEqual(trained.get('parameters/predictions/bias'));
  dispose();
});
