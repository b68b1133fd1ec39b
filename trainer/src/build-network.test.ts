import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { backbones } from './backbones/registry.ts';
import { buildNetwork } from './build-network.ts';
import { smoke } from './config/smoke.ts';
import { cutPlan, disposePlan, parametersOf } from './plan/plan.ts';
import { runPlan } from './plan/run.ts';
import { startBackend } from './runtime/start-backend.ts';
import { FEATURES } from './stages/head.ts';
import { readSafetensors } from './weights/safetensors.ts';

beforeAll(async () => {
  await startBackend('wasm', () => {});
});

const config = { ...smoke, size: 32 };

test('grows a new head on the pretrained trunk', async () => {
  const before = tf.memory().numTensors;
  const { plan, parameters } = await buildNetwork(config, 10);
  // 1,280 features and a bias for each of 10 classes.
  expect(parameters).toBe(3_413_024 + 12_810);
  expect(runPlan(plan, tf.zeros([2, 32, 32, 3])).shape).toEqual([2, 10]);

  const { trunk, head } = cutPlan(plan, FEATURES);
  expect(parametersOf(head).map(({ name }) => name)).toEqual([
    'predictions/kernel',
    'predictions/bias',
  ]);
  const { tensors } = await readSafetensors(backbones[config.backbone].weights);
  for (const { name, value } of parametersOf(trunk)) {
    expect(value.dataSync(), name).toEqual(tensors.get(name)?.values);
  }
  disposePlan(plan);
  // The two answers of the test's own.
  expect(tf.memory().numTensors).toBe(before + 2);
});

test('starts the head from the seed', async () => {
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
