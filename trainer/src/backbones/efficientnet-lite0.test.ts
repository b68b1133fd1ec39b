import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { preprocess } from 'shared/images/preprocess/preprocess-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import golden from '../../../shared/fixtures/efficientnet-lite0-imagenet.json' with {
  type: 'json',
};
import { startBackend } from '../backends/start-backend.ts';
import { fusePlan } from '../plan/fuse.ts';
import { disposePlan, type Plan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { loadBackboneWeights } from '../weights/load-backbone-weights.ts';
import { backbones, buildBackbone } from './registry.ts';

/**
 * The golden values come from float32 kernels; with those the worst of the fifteen probabilities
 * was 1.2e-6 off. The kernels here are rounded to float16, and with them it is 3.3e-3.
 */
const FLOAT16_TOLERANCE = 5e-3;

const lite0 = backbones['efficientnet-lite0'];
let trunk: tf.LayersModel;
let network: tf.LayersModel;

beforeAll(async () => {
  await startBackend('wasm', () => {});
  trunk = buildBackbone('efficientnet-lite0', { includeTop: false });
  network = buildBackbone('efficientnet-lite0');
});

test("has as many parameters as Keras' layers count", () => {
  expect(trunk.countParams()).toBe(3_413_024);
  expect(network.countParams()).toBe(4_694_024);
});

test('calls its layers as Keras calls those of EfficientNet-B0', () => {
  const names = trunk.layers.map(({ name }) => name);
  expect(names.slice(0, 10)).toEqual([
    'input_layer',
    'stem_conv',
    'stem_bn',
    'stem_activation',
    'block1a_dwconv',
    'block1a_bn',
    'block1a_activation',
    'block1a_project_conv',
    'block1a_project_bn',
    'block2a_expand_conv',
  ]);
  expect(names.slice(-3)).toEqual(['top_conv', 'top_bn', 'top_activation']);
  expect(names.filter((name) => name.endsWith('_add'))).toEqual([
    'block2b_add',
    'block3b_add',
    'block4b_add',
    'block4c_add',
    'block5b_add',
    'block5c_add',
    'block6b_add',
    'block6c_add',
    'block6d_add',
  ]);
});

test('makes a thirty-second of the size, rounded up', () => {
  expect(trunk.outputs[0]?.shape).toEqual([null, 7, 7, 1280]);
  const odd = buildBackbone('efficientnet-lite0', { size: 97, includeTop: false });
  expect(odd.outputs[0]?.shape).toEqual([null, 4, 4, 1280]);
});

describe('with its ImageNet weights', () => {
  let plan: Plan;

  beforeAll(async () => {
    await loadBackboneWeights(network, 'efficientnet-lite0', 'imagenet', true);
    plan = fusePlan(network);
  });
  afterAll(() => disposePlan(plan));

  test.each(Object.values(golden))('answers for $input as Keras does', async (expected) => {
    const file = new URL(`../../../shared/fixtures/${expected.input}`, import.meta.url);
    const { data, info } = await sharp(fileURLToPath(file))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const image = { width: info.width, height: info.height, channels: 3, data } as const;
    const pixels = preprocess(image, { ...lite0.preprocess, size: 224 });
    const probabilities = tf.tidy(() =>
      runPlan(plan, tf.tensor4d(pixels, [1, 224, 224, 3])).dataSync(),
    );
    const order = [...probabilities.keys()].sort(
      (a, b) => (probabilities[b] as number) - (probabilities[a] as number),
    );
    expect(order.slice(0, 5)).toEqual(expected.top5.map(([index]) => index));
    for (const [index, probability] of expected.top5) {
      const error = Math.abs((probabilities[index as number] as number) - (probability as number));
      expect(error).toBeLessThan(FLOAT16_TOLERANCE);
    }
  });
});
