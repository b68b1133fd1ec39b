import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { buildTinyNetwork, largestDifference } from '../../../fixtures/tiny-network.ts';
import { startBackend } from '../../backends/start-backend.ts';
import { fusePlan } from '../fuse.ts';
import { type NamedTensor, toNamedTensor } from '../named-tensor.ts';
import type { ConvolutionStep } from '../steps/convolution.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';

let model: tf.LayersModel;
let steps: ConvolutionStep[];
beforeAll(async () => {
  await startBackend('cpu', () => {});
  model = buildTinyNetwork();
  steps = fusePlan(model).steps.filter((step) => step.kind === 'convolution');
});

const tensorOf = ({ shape, values }: NamedTensor) => tf.tensor(values, [...shape]);

test.each([
  ['stem', false],
  ['filter', true],
])(
  'gives %s the kernel and bias of convolution and BatchNorm together',
  async (name, depthwise) => {
    const step = steps.find((candidate) => candidate.name === name) as ConvolutionStep;
    const before = tf.memory().numTensors;
    const { kernel, bias } = await foldBatchNorm(step);
    expect(tf.memory().numTensors).toBe(before);
    expect(kernel.shape).toEqual(step.kernel.value.shape);
    expect(bias.shape).toEqual([kernel.shape[depthwise ? 2 : 3]]);

    const photos = tf.randomNormal<tf.Rank.R4>(
      [2, 9, 9, kernel.shape[2] as number],
      0,
      1,
      'float32',
      3,
    );
    const convolve = depthwise ? tf.depthwiseConv2d : tf.conv2d;
    const folded = convolve(photos, tensorOf(kernel) as tf.Tensor4D, step.strides, 'same').add(
      tensorOf(bias),
    );
    // Keras' layers, one by one.
    const convolution = model.getLayer(name).apply(photos) as tf.Tensor;
    const expected = model.getLayer(`${name}_bn`).apply(convolution, { training: false });
    expect(largestDifference(folded, expected as tf.Tensor)).toBeLessThan(1e-5);
  },
);

test('copies a tensor: later changes of the variable do not reach the copy', async () => {
  const variable = tf.variable(tf.tensor2d([[1, 2]]));
  const copy = await toNamedTensor(variable);
  variable.assign(tf.tensor2d([[3, 4]]));
  expect(copy).toEqual({ shape: [1, 2], values: Float32Array.of(1, 2) });
});
