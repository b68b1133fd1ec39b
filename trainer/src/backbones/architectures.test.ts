import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { largestDifference } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import type { BackboneName } from '../config/backbone-names.ts';
import { createRandom } from '../config/random.ts';
import { smoke } from '../config/smoke.ts';
import { toArtifacts } from '../export/graph-builder.ts';
import { toGraphModel } from '../export/graph-model.ts';
import { calibrateBatchNorm } from '../models/calibrate-batch-norm.ts';
import { attachHead } from '../models/head.ts';
import { fusePlan } from '../plan/fuse.ts';
import { softmaxCrossEntropy } from '../plan/loss.ts';
import { disposePlan, type Plan, parametersOf } from '../plan/plan.ts';
import { planGradients, runPlan } from '../plan/run.ts';
import { Optimizer } from '../training/optimizer.ts';
import { backbones, buildBackbone } from './registry.ts';

beforeAll(async () => {
  await startBackend(inject('native') ? 'native' : 'cpu', () => {});
});

/** As Keras counts them, with 1,000 classes and without the top. */
const PARAMETERS: Readonly<Record<BackboneName, readonly [number, number]>> = {
  efficientnetb0: [5_330_571, 4_049_571],
  efficientnetb1: [7_856_239, 6_575_239],
  efficientnetb2: [9_177_569, 7_768_569],
  efficientnetb3: [12_320_535, 10_783_535],
  efficientnetb4: [19_466_823, 17_673_823],
  efficientnetb5: [30_562_527, 28_513_527],
  efficientnetb6: [43_265_143, 40_960_143],
  efficientnetb7: [66_658_687, 64_097_687],
  'efficientnet-lite0': [4_694_024, 3_413_024],
  'efficientnet-lite1': [5_470_344, 4_189_344],
  'efficientnet-lite2': [6_150_168, 4_869_168],
  'efficientnet-lite3': [8_273_768, 6_992_768],
  'efficientnet-lite4': [13_118_936, 11_837_936],
  resnet50: [25_636_712, 23_587_712],
  resnet101: [44_707_176, 42_658_176],
  resnet152: [60_419_944, 58_370_944],
  seresnet50: [28_141_144, 26_092_144],
  senet154: [115_336_536, 113_287_536],
  xception: [22_910_480, 20_861_480],
  vgg16: [138_357_544, 14_714_688],
  vgg19: [143_667_240, 20_024_384],
  nasnetmobile: [5_326_716, 4_269_716],
  nasnetlarge: [88_949_818, 84_916_818],
  mobilenetv2: [3_538_984, 2_257_984],
  alexnet: [60_965_224, 2_334_080],
  lenet5: [146_156, 2_872],
};

test.each(Object.entries(PARAMETERS))(
  'builds %s with as many parameters as Keras',
  (name, [withTop, withoutTop]) => {
    const before = tf.memory().numTensors;
    const counts = [true, false].map((includeTop) => {
      const model = buildBackbone(name as BackboneName, { includeTop, initialize: false });
      const count = model.countParams();
      model.dispose();
      return count;
    });
    expect(counts).toEqual([withTop, withoutTop]);
    expect(tf.memory().numTensors).toBe(before);
  },
);

test.each([
  ['efficientnetb0', 'avg', 'avg_pool'],
  ['efficientnetb0', 'max', 'max_pool'],
  ['vgg16', 'avg', 'global_average_pooling2d'],
  ['mobilenetv2', 'max', 'global_max_pooling2d'],
] as const)('ends %s without its top with a %s pooling', (name, pooling, layer) => {
  const options = { size: 64, includeTop: false, pooling, initialize: false };
  const model = buildBackbone(name, options);
  expect(model.layers.at(-1)?.name).toBe(layer);
  expect(model.outputs[0]?.shape).toHaveLength(2);
  const plan = fusePlan(model);
  expect(runPlan(plan, tf.zeros([1, 64, 64, 3])).shape).toEqual([1, model.outputs[0]?.shape[1]]);
  disposePlan(plan);
  model.dispose();
});

const CLASSES = 3;

/** One of each family; the others differ in numbers only. */
describe.each<BackboneName>([
  'efficientnetb0',
  'efficientnet-lite1',
  'resnet50',
  'seresnet50',
  'xception',
  'vgg16',
  'nasnetmobile',
  'mobilenetv2',
  'alexnet',
  'lenet5',
])('%s', (name) => {
  const size = name === 'lenet5' ? 32 : Math.max(64, backbones[name].minimumSize);
  const photos = () => tf.randomUniform<tf.Rank.R4>([6, size, size, 3], -1, 1, 'float32', 5);
  let plan: Plan;
  let answers: tf.Tensor;

  beforeAll(() => {
    const trunk = buildBackbone(name, { size, includeTop: false });
    const network = attachHead(trunk, CLASSES, { head: 'linear', dropout: 0, seed: 1 });
    const photoBatch = photos();
    const before = tf.memory().numTensors;
    answers = calibrateBatchNorm(network, photoBatch);
    expect(tf.memory().numTensors).toBe(before + 1);
    plan = fusePlan(network);
    network.dispose();
  });

  test('is the same network as layers, as a plan and as a graph', async () => {
    const byPlan = runPlan(plan, photos());
    expect(largestDifference(byPlan, answers)).toBeLessThan(1e-4);
    // The photos' answers are not one and the same.
    expect(largestDifference(byPlan, byPlan.mean(0, true).tile([6, 1]))).toBeGreaterThan(1e-3);
    const artifacts = toArtifacts(await toGraphModel(plan, size, 'float32'));
    const graph = await tf.loadGraphModel({ load: async () => artifacts });
    expect(largestDifference(graph.predict(photos()) as tf.Tensor, byPlan)).toBeLessThan(1e-4);
    graph.dispose();
  });

  test('learns: a few steps from random weights lower the loss', () => {
    const parameters = parametersOf(plan);
    const optimizer = new Optimizer(parameters, smoke.stage2);
    const labels = tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32');
    const targets = tf.oneHot(labels, CLASSES).cast<tf.Tensor2D>('float32');
    const before = tf.memory().numTensors;
    const losses = Array.from({ length: 6 }, () =>
      tf.tidy(() => {
        const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targets);
        const { loss, gradients } = planGradients(plan, photos(), lossOf, createRandom(1));
        optimizer.apply(gradients, 2e-5);
        tf.dispose([...gradients.values()]);
        return loss.dataSync<'float32'>()[0] as number;
      }),
    );
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    expect(tf.memory().numTensors).toBe(before);
    optimizer.dispose();
    disposePlan(plan);
  });
});
