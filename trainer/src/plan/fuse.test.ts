import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, largestDifference, TINY_SIZE } from '../../fixtures/tiny-network.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { smoke } from '../config/smoke.ts';
import { Optimizer } from '../training/optimizer.ts';
import { fusePlan } from './fuse.ts';
import { softmaxCrossEntropy } from './loss.ts';
import { cutPlan, disposePlan, type Plan, parametersOf, trainableParametersOf } from './plan.ts';
import { planGradients, runPlan } from './run.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});
afterEach(() => tf.disposeVariables());

const photos = () => tf.randomNormal<tf.Rank.R4>([6, TINY_SIZE, TINY_SIZE, 3], 1, 2, 'float32', 7);
const targets = () =>
  tf.oneHot(tf.tensor1d([0, 2, 1, 1, 0, 2], 'int32'), 3).cast<tf.Tensor2D>('float32');

function frozenConstants(plan: Plan): [string, number[], number[]][] {
  return plan.steps.flatMap((step): [string, number[], number[]][] =>
    step.kind === 'convolution' && step.batchNorm
      ? [[step.name, [...step.batchNorm.scale.dataSync()], [...step.batchNorm.shift.dataSync()]]]
      : [],
  );
}

function batchNormWeights(model: tf.LayersModel): Record<string, number[]> {
  return Object.fromEntries(
    model.weights
      .filter(({ originalName }) => originalName.includes('_bn/'))
      .map((weight) => [weight.originalName, [...weight.read().dataSync()]]),
  );
}

function train(plan: Plan, steps: number): number[] {
  const parameters = parametersOf(plan);
  const optimizer = new Optimizer(parameters, smoke.stage2);
  const losses = Array.from({ length: steps }, () =>
    tf.tidy(() => {
      const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targets());
      const { loss, gradients } = planGradients(plan, photos(), lossOf, createRandom(1));
      optimizer.apply(gradients, 0.01);
      tf.dispose([...gradients.values()]);
      return loss.dataSync()[0] as number;
    }),
  );
  optimizer.dispose();
  return losses;
}

test('training moves every kernel and bias, and not one bit of BatchNorm', () => {
  const model = buildTinyNetwork();
  const plan = fusePlan(model);
  const frozen = frozenConstants(plan);
  const before = parametersOf(plan).map(({ value }) => [...value.dataSync()]);
  const losses = train(plan, 5);
  expect(losses[4]).toBeLessThan(losses[0] as number);
  expect(frozen).toHaveLength(5);
  expect(frozenConstants(plan)).toEqual(frozen);
  for (const [index, { name, value }] of parametersOf(plan).entries()) {
    expect([...value.dataSync()], name).not.toEqual(before[index]);
  }
});

test('a trained plan is the layers model in inference mode, with the trained kernels', () => {
  const model = buildTinyNetwork();
  const plan = fusePlan(model);
  const frozen = batchNormWeights(model);
  train(plan, 5);
  expect(batchNormWeights(model)).toEqual(frozen);
  const trained = new Map(parametersOf(plan).map(({ name, value }) => [name, value]));
  for (const layer of model.layers) {
    const { weights } = layer;
    layer.setWeights(weights.map((weight) => trained.get(weight.originalName) ?? weight.read()));
  }
  expect(trained.size).toBe(7);
  const inference = model.predict(photos()) as tf.Tensor;
  expect(largestDifference(runPlan(plan, photos()), inference)).toBeLessThan(1e-6);
  // Against what it must not be: with the statistics of the batch, the predictions differ.
  const training = model.apply(photos(), { training: true }) as tf.Tensor;
  expect(largestDifference(training, inference)).toBeGreaterThan(0.01);
});

test("tfjs-layers' own fit moves BatchNorm's averages though trainable is false: why the plan exists", async () => {
  const model = buildTinyNetwork();
  for (const layer of model.layers) {
    if (layer.getClassName() === 'BatchNormalization') layer.trainable = false;
  }
  const before = batchNormWeights(model);
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
  await model.fit(photos(), targets(), { epochs: 1, verbose: 0 });
  const after = batchNormWeights(model);
  expect(after['stem_bn/moving_mean']).not.toEqual(before['stem_bn/moving_mean']);
  expect(after['stem_bn/moving_variance']).not.toEqual(before['stem_bn/moving_variance']);
});

test('keeps copies of the weights, so that the model can go', () => {
  const model = buildTinyNetwork();
  const plan = fusePlan(model);
  const expected = tf.tidy(() => (model.predict(photos()) as tf.Tensor).dataSync());
  model.dispose();
  const answers = runPlan(plan, photos());
  expect(largestDifference(answers, tf.tensor(expected, answers.shape))).toBeLessThan(1e-6);
});

test('takes each activation and padding over', () => {
  const plan = fusePlan(buildTinyNetwork({ dropout: 0.25 }));
  const convolutions = plan.steps.flatMap((step) =>
    step.kind === 'convolution'
      ? [[step.name, step.depthwise, step.strides, step.padding, step.activation]]
      : [],
  );
  expect(convolutions).toEqual([
    ['stem', false, [2, 2], 'same', 'relu6'],
    ['expand', false, [1, 1], 'same', 'relu'],
    ['filter', true, [1, 1], 'same', 'relu6'],
    ['project', false, [1, 1], 'same', 'linear'],
    ['shrink', true, [2, 2], 'valid', 'relu6'],
  ]);
  expect(plan.steps.find(({ kind }) => kind === 'dropout')).toMatchObject({ rate: 0.25 });
});

test('names the parameters as Keras does', () => {
  expect(parametersOf(fusePlan(buildTinyNetwork())).map(({ name }) => name)).toEqual([
    'stem/kernel',
    'expand/kernel',
    'filter/depthwise_kernel',
    'project/kernel',
    'shrink/depthwise_kernel',
    'predictions/kernel',
    'predictions/bias',
  ]);
});

const apply = (layer: tf.layers.Layer, x: tf.SymbolicTensor) => layer.apply(x) as tf.SymbolicTensor;

test.each<[string, (x: tf.SymbolicTensor) => tf.SymbolicTensor, string]>([
  [
    'a layer that no step supports',
    (x) => apply(tf.layers.upSampling2d({ name: 'grow' }), x),
    'grow: no step supports a UpSampling2D layer.',
  ],
  [
    'a dense layer without a bias',
    (x) => {
      const flat = apply(tf.layers.globalAveragePooling2d({}), x);
      return apply(
        tf.layers.dense({ name: 'plain', units: 2, activation: 'softmax', useBias: false }),
        flat,
      );
    },
    'plain: expected useBias true, but it is false.',
  ],
  [
    'a dilated convolution',
    (x) => {
      const config = { name: 'wide', filters: 1, kernelSize: 2, useBias: false };
      const conv = tf.layers.conv2d({ ...config, dilationRate: 2 });
      return apply(tf.layers.batchNormalization({}), apply(conv, x));
    },
    'wide:',
  ],
  [
    'a depthwise convolution that multiplies the channels',
    (x) => {
      const config = { name: 'multiplied', kernelSize: 1, depthMultiplier: 2, useBias: false };
      return apply(tf.layers.batchNormalization({}), apply(tf.layers.depthwiseConv2d(config), x));
    },
    'multiplied: expected one filter a channel, not 2.',
  ],
  [
    'a BatchNorm without scale',
    (x) => {
      const conv = tf.layers.conv2d({ filters: 1, kernelSize: 1, useBias: false });
      return apply(tf.layers.batchNormalization({ name: 'partial', scale: false }), apply(conv, x));
    },
    'partial:',
  ],
  [
    'a ReLU that ends elsewhere than at 6',
    (x) => {
      const conv = tf.layers.conv2d({ filters: 1, kernelSize: 1, useBias: false });
      const norm = apply(tf.layers.batchNormalization({}), apply(conv, x));
      return apply(tf.layers.reLU({ name: 'low', maxValue: 1 }), norm);
    },
    'low:',
  ],
])('names %s', (_, build, message) => {
  const input = tf.input({ shape: [4, 4, 3] });
  const model = tf.model({ inputs: input, outputs: build(input) });
  expect(() => fusePlan(model)).toThrow(message);
});

test('trains each parameter unless its layer is frozen', () => {
  const model = buildTinyNetwork();
  for (const layer of model.layers.slice(0, -1)) layer.trainable = false;
  const plan = fusePlan(model);
  expect(trainableParametersOf(plan).map(({ name }) => name)).toEqual([
    'predictions/kernel',
    'predictions/bias',
  ]);
  const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targets());
  const { gradients } = planGradients(plan, photos(), lossOf, createRandom(1));
  expect([...gradients.keys()].sort()).toEqual(['predictions/bias', 'predictions/kernel']);
});

test('cuts a plan into two that together do the same', () => {
  const plan = fusePlan(buildTinyNetwork());
  const { trunk, head } = cutPlan(plan, 'avg_pool');
  expect(trunk.steps.at(-1)?.name).toBe('avg_pool');
  expect(parametersOf(head).map(({ name }) => name)).toEqual([
    'predictions/kernel',
    'predictions/bias',
  ]);
  const features = runPlan(trunk, photos());
  expect(features.shape).toEqual([6, 4]);
  expect(largestDifference(runPlan(head, features), runPlan(plan, photos()))).toBe(0);
});

test('shares the parameters of both parts with the whole', () => {
  const plan = fusePlan(buildTinyNetwork());
  const { trunk, head } = cutPlan(plan, 'avg_pool');
  expect([...parametersOf(trunk), ...parametersOf(head)]).toEqual(parametersOf(plan));
});

test('says so where there is no step to cut after', () => {
  const plan = fusePlan(buildTinyNetwork());
  expect(() => cutPlan(plan, 'flatten')).toThrow('The plan has no step flatten.');
  disposePlan(plan);
});
