import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { createRandom } from '../config/random.ts';
import { fusePlan } from './fuse.ts';
import { softmaxCrossEntropy } from './loss.ts';
import { disposePlan, type Plan } from './plan.ts';
import { planGradients, runPlan } from './run.ts';

/** Every kind of step once: strides, both kinds of convolution, a residual, all activations. */
function buildTinyNetwork(): tf.LayersModel {
  const norm = (x: tf.SymbolicTensor) =>
    tf.layers
      .batchNormalization({
        betaInitializer: 'randomNormal',
        gammaInitializer: tf.initializers.randomUniform({ minval: 0.5, maxval: 1.5 }),
        movingMeanInitializer: 'randomNormal',
        movingVarianceInitializer: tf.initializers.randomUniform({ minval: 0.5, maxval: 1.5 }),
      })
      .apply(x) as tf.SymbolicTensor;
  const conv = (x: tf.SymbolicTensor, filters: number, kernelSize: number, strides: number) =>
    norm(
      tf.layers
        .conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false })
        .apply(x) as tf.SymbolicTensor,
    );
  const depthwise = (x: tf.SymbolicTensor, strides: number) =>
    norm(
      tf.layers
        .depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false })
        .apply(x) as tf.SymbolicTensor,
    );
  const relu = (x: tf.SymbolicTensor, maxValue?: number) =>
    tf.layers.reLU(maxValue === undefined ? {} : { maxValue }).apply(x) as tf.SymbolicTensor;
  const input = tf.input({ shape: [9, 9, 3] });
  const stem = relu(conv(input, 4, 3, 2), 6);
  let x = relu(conv(stem, 6, 1, 1));
  x = relu(depthwise(x, 1), 6);
  x = conv(x, 4, 1, 1);
  x = tf.layers.add().apply([x, stem]) as tf.SymbolicTensor;
  x = relu(depthwise(x, 2), 6);
  x = tf.layers.globalAveragePooling2d({}).apply(x) as tf.SymbolicTensor;
  x = tf.layers.dropout({ rate: 0 }).apply(x) as tf.SymbolicTensor;
  const output = tf.layers.dense({ units: 3, activation: 'softmax' }).apply(x);
  return tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
}

let model: tf.LayersModel;
let plan: Plan;
const photos = () => tf.randomNormal<tf.Rank.R4>([5, 9, 9, 3], 0, 2, 'float32', 7);
const targets = () =>
  tf.oneHot(tf.tensor1d([0, 2, 1, 1, 0], 'int32'), 3).cast<tf.Tensor2D>('float32');

beforeAll(async () => {
  await tf.setBackend('cpu');
  model = buildTinyNetwork();
  plan = fusePlan(model);
});

test('fuses BatchNorm and activation into each convolution', () => {
  expect(plan.steps.map(({ kind }) => kind)).toEqual([
    'convolution',
    'convolution',
    'convolution',
    'convolution',
    'add',
    'convolution',
    'global-average-pool',
    'dropout',
    'dense',
    'softmax',
  ]);
});

test('gives the outputs of the layers in inference mode', () => {
  tf.tidy(() => {
    const expected = model.predict(photos()) as tf.Tensor;
    const difference = runPlan(plan, photos()).sub(expected).abs().max().dataSync()[0];
    expect(difference).toBeLessThan(1e-5);
  });
});

test('gives the gradients that tfjs derives for the layers with BatchNorm in inference mode', () => {
  tf.tidy(() => {
    const kernels = model.layers.flatMap((layer) =>
      layer.getClassName() === 'BatchNormalization' ? [] : layer.trainableWeights,
    );
    const variables = kernels.map((kernel) => (kernel as unknown as { val: tf.Variable }).val);
    const expected = tf.variableGrads(() => {
      const probabilities = model.apply(photos(), { training: false }) as tf.Tensor;
      return probabilities.log().mul(targets()).sum<tf.Scalar>().div<tf.Scalar>(-5);
    }, variables);
    const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targets());
    const { loss, gradients } = planGradients(plan, photos(), lossOf, createRandom(1));
    expect(loss.dataSync()[0]).toBeCloseTo(expected.value.dataSync()[0] as number, 5);
    expect(gradients.size).toBe(kernels.length);
    kernels.forEach((kernel, index) => {
      const byTape = expected.grads[variables[index]?.name ?? ''] as tf.Tensor;
      const byPlan = gradients.get(kernel.originalName) as tf.Tensor;
      const scale = Math.max(byTape.abs().max().dataSync()[0] as number, 1e-6);
      const error = byPlan.sub(byTape).abs().max().dataSync()[0] as number;
      expect(error / scale, kernel.originalName).toBeLessThan(1e-4);
    });
  });
});

test('leaves no tensors but those that it returns', () => {
  const photoBatch = photos();
  const targetBatch = targets();
  const before = tf.memory().numTensors;
  runPlan(plan, photoBatch).dispose();
  expect(tf.memory().numTensors).toBe(before);
  const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targetBatch);
  const { loss, gradients } = planGradients(plan, photoBatch, lossOf, createRandom(1));
  expect(tf.memory().numTensors).toBe(before + 1 + gradients.size);
  tf.dispose([loss, ...gradients.values(), photoBatch, targetBatch]);
});

test('frees the whole plan', () => {
  const before = tf.memory().numTensors;
  disposePlan(fusePlan(model));
  expect(tf.memory().numTensors).toBe(before);
});
