import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { largestDifference } from '../../fixtures/tiny-network.ts';
import { KerasLayers, type Value } from '../backbones/layers/keras-layers.ts';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import { toArtifacts } from '../export/graph-builder.ts';
import { toGraphModel } from '../export/graph-model.ts';
import { fusePlan } from './fuse.ts';
import { softmaxCrossEntropy } from './loss.ts';
import { disposePlan } from './plan.ts';
import { planGradients, runPlan } from './run.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

const SIZE = 9;
const photos = () => tf.randomNormal<tf.Rank.R4>([4, SIZE, SIZE, 3], 0.5, 2, 'float32', 7);
const targets = () => tf.oneHot(tf.tensor1d([0, 2, 1, 1], 'int32'), 3).cast<tf.Tensor2D>('float32');

/** What stands between a first convolution, to see the gradient, and the classifier. */
const MIDDLES: Readonly<Record<string, [(k: KerasLayers, x: Value) => Value, string[]]>> = {
  'a convolution with a bias': [(k, x) => k.conv2d(x, 4, 3), ['convolution']],
  'a convolution with a bias, BatchNorm and ReLU6': [
    (k, x) => k.relu6(k.batchNorm(k.conv2d(x, 4, 3)), 'relu6'),
    ['convolution'],
  ],
  'a convolution with a ReLU of its own': [
    (k, x) => k.conv2d(x, 4, 3, { activation: 'relu' }),
    ['convolution'],
  ],
  'a convolution with a sigmoid of its own': [
    (k, x) => k.conv2d(x, 4, 3, { activation: 'sigmoid' }),
    ['convolution', 'activation'],
  ],
  'an activation between convolution and BatchNorm': [
    (k, x) => k.batchNorm(k.conv2d(x, 4, 3, { activation: 'relu' })),
    ['convolution', 'affine'],
  ],
  'a convolution that two layers read': [
    (k, x) => {
      const forked = k.conv2d(x, 4, 3);
      return k.add([k.batchNorm(forked), forked]);
    },
    ['convolution', 'affine', 'add'],
  ],
  'swish after BatchNorm': [
    (k, x) => k.activation(k.batchNorm(k.conv2d(x, 4, 3)), 'swish'),
    ['convolution', 'activation'],
  ],
  tanh: [(k, x) => k.conv2d(x, 4, 3, { activation: 'tanh' }), ['convolution', 'activation']],
  'a grouped convolution': [
    (k, x) => k.conv2d(x, 6, 3, { groups: 2, strides: 2, padding: 'same', activation: 'relu' }),
    ['convolution'],
  ],
  'a depthwise convolution with a bias': [
    (k, x) => k.depthwiseConv2d(x, 3, { name: 'depthwise', strides: 2 }),
    ['convolution'],
  ],
  'a separable convolution': [
    (k, x) =>
      k.batchNorm(k.separableConv2d(x, 5, 3, { name: 'separable', padding: 'same', strides: 2 })),
    ['convolution', 'convolution'],
  ],
  'squeeze-and-excitation': [
    (k, x) => {
      const gate = k.reshape(k.globalAveragePooling2d(x), [1, 1, 4], 'reshape');
      return k.multiply([x, k.conv2d(gate, 4, 1, { activation: 'sigmoid' })], 'multiply');
    },
    ['global-average-pool', 'reshape', 'convolution', 'activation', 'multiply'],
  ],
  'a sum of three': [(k, x) => k.add([x, k.activation(x, 'relu'), x]), ['activation', 'add']],
  concatenation: [(k, x) => k.concatenate([x, k.conv2d(x, 3, 1), x]), ['convolution', 'concat']],
  'maximum pooling': [
    (k, x) => k.maxPooling2d(x, 3, { strides: 2, padding: 'same' }),
    ['max-pool'],
  ],
  'average pooling': [
    (k, x) => k.averagePooling2d(x, 3, { strides: 2, padding: 'same' }),
    ['average-pool'],
  ],
  padding: [
    (k, x) =>
      k.zeroPadding2d(x, [
        [0, 1],
        [2, 3],
      ]),
    ['pad'],
  ],
  cropping: [
    (k, x) =>
      k.cropping2d(x, [
        [1, 0],
        [2, 1],
      ]),
    ['pad'],
  ],
  'local response normalization': [
    (k, x) => k.localResponseNormalization(x, 'norm'),
    ['local-response-normalization'],
  ],
};

describe.each(Object.entries(MIDDLES))('%s', (_, [build, kinds]) => {
  const buildModel = () => {
    const k = new KerasLayers(true);
    const input = k.input(SIZE);
    const x = build(k, k.conv2d(input, 4, 3, { name: 'first' }));
    const output = k.dense(k.flatten(x, 'flatten'), 3, 'softmax', 'predictions');
    const model = tf.model({ inputs: input, outputs: output });
    // Biases and BatchNorms that do nothing would prove nothing.
    for (const [index, layer] of model.layers.entries()) {
      if (layer.getClassName() !== 'BatchNormalization' && layer.weights.length < 2) continue;
      const [first, ...rest] = layer.getWeights() as [tf.Tensor];
      const isNorm = layer.getClassName() === 'BatchNormalization';
      const noise = (tensor: tf.Tensor) =>
        tf.randomUniform(tensor.shape, 0.5, 1.5, 'float32', index);
      layer.setWeights([isNorm ? noise(first) : first, ...rest.map(noise)]);
    }
    return model;
  };

  test('is the same as layers, as a plan and as a graph, with the gradients of the tape', async () => {
    const model = buildModel();
    const plan = fusePlan(model);
    expect(plan.steps.map(({ kind }) => kind)).toEqual([
      'convolution',
      ...kinds,
      'reshape',
      'dense',
      'softmax',
    ]);
    const expected = model.predict(photos()) as tf.Tensor;
    const answers = runPlan(plan, photos());
    expect(largestDifference(answers, expected)).toBeLessThan(1e-5);

    const artifacts = toArtifacts(await toGraphModel(plan, SIZE, 'float32'));
    const graph = await tf.loadGraphModel({ load: async () => artifacts });
    expect(largestDifference(graph.predict(photos()) as tf.Tensor, answers)).toBeLessThan(1e-5);

    const weights = model.layers.flatMap((layer) =>
      layer.getClassName() === 'BatchNormalization' ? [] : layer.trainableWeights,
    );
    const variables = weights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
    const { grads } = tf.variableGrads(() => {
      const probabilities = model.apply(photos(), { training: false }) as tf.Tensor;
      return probabilities.log().mul(targets()).sum<tf.Scalar>().div<tf.Scalar>(-4);
    }, variables);
    const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, targets());
    const photoBatch = photos();
    const before = tf.memory().numTensors;
    const { loss, gradients } = planGradients(plan, photoBatch, lossOf, createRandom(1));
    expect(tf.memory().numTensors).toBe(before + 1 + gradients.size);
    expect(gradients.size).toBe(weights.length);
    for (const [index, { originalName }] of weights.entries()) {
      const byTape = grads[variables[index]?.name ?? ''] as tf.Tensor;
      const byPlan = gradients.get(originalName) as tf.Tensor;
      const scale = Math.max(byTape.abs().max().dataSync()[0] as number, 1e-6);
      expect(largestDifference(byPlan, byTape) / scale, originalName).toBeLessThan(1e-4);
    }
    loss.dispose();
    disposePlan(plan);
  });
});
