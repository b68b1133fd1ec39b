import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork } from '../../../fixtures/tiny-network.ts';
import { buildBackbone } from '../../backbones/registry.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { readWeights } from '../read-weights.ts';
import { writeKerasH5 } from './write-keras-h5.ts';

let folder: string;
beforeAll(async () => {
  await startBackend('cpu', () => {});
  folder = await temporaryFolder();
});

// Real Keras reads what is written in `pnpm --filter trainer parity`.
test.each([
  ['every kind of step', () => buildTinyNetwork()],
  [
    'scalars, and layers of a kind that has none',
    () => buildBackbone('efficientnetb0', { size: 32, includeTop: false, initialize: false }),
  ],
] as const)('writes a network with %s, which reads back bit for bit', async (_, build) => {
  const model = build();
  const path = join(folder, 'tiny.weights.h5');
  const before = tf.memory().numTensors;
  await writeKerasH5(path, model);
  expect(tf.memory().numTensors).toBe(before);
  const tensors = await readWeights(path, model.layers);
  const weights = model.layers.flatMap((layer) => layer.weights);
  expect(tensors.size).toBe(weights.length);
  for (const weight of weights) {
    const tensor = tensors.get(weight.originalName);
    expect(tensor?.shape, weight.originalName).toEqual(weight.shape);
    expect(tensor?.values, weight.originalName).toEqual(weight.read().dataSync());
  }
  model.dispose();
});
