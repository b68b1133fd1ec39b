import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { buildBackbone } from '../backbones/registry.ts';
import { startBackend } from '../backends/start-backend.ts';
import { smoke } from '../config/smoke.ts';
import { disposePlan, parametersOf, trainableParametersOf } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';
import { buildNetwork } from './build-network.ts';
import { cutHead } from './head.ts';

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

const config = { ...smoke, size: 32 };

test('attaches a new head to the pretrained trunk', async () => {
  const before = tf.memory().numTensors;
  const { plan, parameters } = await buildNetwork(config, 10);
  // 1,280 features and a bias for each of 10 classes.
  expect(parameters).toBe(3_413_024 + 12_810);
  expect(runPlan(plan, tf.zeros([2, 32, 32, 3])).shape).toEqual([2, 10]);

  const { trunk, head } = cutHead(plan);
  expect(parametersOf(head).map(({ name }) => name)).toEqual([
    'predictions/kernel',
    'predictions/bias',
  ]);
  const pretrained = buildBackbone(config.backbone, { size: 32, includeTop: false });
  await loadBackboneWeights(pretrained, config.backbone, 'imagenet', false);
  const expected = new Map(
    pretrained.weights.map((weight) => [weight.originalName, weight.read().dataSync()]),
  );
  pretrained.dispose();
  for (const { name, value } of parametersOf(trunk)) {
    expect(value.dataSync(), name).toEqual(expected.get(name));
  }
  disposePlan(plan);
  // The two outputs of the test itself.
  expect(tf.memory().numTensors).toBe(before + 2);
});

test('initializes the head from the seed', async () => {
  const kernelOf = async (seed: number) => {
    const { plan } = await buildNetwork({ ...config, seed }, 3);
    const kernel = parametersOf(plan).find(({ name }) => name === 'predictions/kernel');
    return [...(kernel?.value.dataSync() ?? [])];
  };
  const first = await kernelOf(1);
  expect(first).toHaveLength(3840);
  expect(await kernelOf(1)).toEqual(first);
  expect(await kernelOf(2)).not.toEqual(first);
});

test('truncates the trunk after a layer, and freezes its first layers', async () => {
  const before = tf.memory().numTensors;
  // As the article takes `layers[-3]` and trains the last two layers.
  const { plan } = await buildNetwork({ ...config, trim: 'block3b_add', freeze: -4 }, 3);
  expect(trainableParametersOf(plan).map(({ name }) => name)).toEqual([
    'block3b_project_conv/kernel',
    'predictions/kernel',
    'predictions/bias',
  ]);
  disposePlan(plan);
  expect(tf.memory().numTensors).toBe(before);
});

test('builds any network from random weights', async () => {
  const { plan } = await buildNetwork(
    { ...config, backbone: 'nasnetmobile', weights: 'none', size: 32 },
    3,
  );
  expect(cutHead(plan).head.steps).toHaveLength(3);
});

test("attaches the tutorial's head, with BatchNorm set from images", async () => {
  const before = tf.memory().numTensors;
  const photos = async () => tf.randomNormal([8, 64, 64, 3], 0, 1, 'float32', 2);
  const { plan, parameters } = await buildNetwork(
    { ...config, size: 64, head: 'convolution' },
    10,
    photos,
  );
  // Kernel and bias of the convolution, four per channel of BatchNorm, two dense layers.
  const convolution = 7 * 7 * 1280 * 32 + 32 + 4 * 32;
  expect(parameters).toBe(3_413_024 + convolution + (32 + 1) * 512 + (512 + 1) * 10);
  const { trunk, head } = cutHead(plan);
  expect(head.steps.map(({ kind }) => kind)).toEqual([
    'convolution',
    'global-average-pool',
    'dropout',
    'dense',
    'activation',
    'dense',
    'softmax',
  ]);
  const photoBatch = await photos();
  const features = runPlan(trunk, photoBatch);
  expect(features.shape).toEqual([8, 2, 2, 1280]);
  const outputs = runPlan(head, features);
  expect(outputs.shape).toEqual([8, 10]);
  expect([...outputs.dataSync()]).toEqual([...runPlan(plan, photoBatch).dataSync()]);
  disposePlan(plan);
  expect(tf.memory().numTensors).toBe(before + 4);
});

test.each([
  [{ backbone: 'xception', size: 32 }, 'Expected images of at least 71 px for Xception'],
  [{ trim: 'block9a_add' }, 'but got block9a_add'],
  [{ trim: 999 }, 'but got 999'],
] as const)('says what is wrong with %j', async (change, message) => {
  const building = buildNetwork({ ...config, weights: 'none', ...change }, 3);
  await expect(building).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining(message),
  });
});
