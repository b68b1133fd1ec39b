import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { describeBackend } from '../../../fixtures/backend-suite.ts';
import { runKernel } from '../../plan/run-kernel.ts';
import { startBackend } from '../start-backend.ts';
import { nativeBackend } from './native-backend.ts';

const hasPointwise = () => tf.getKernel('GraftPointwise', 'tensorflow') !== undefined;

describe.skipIf(!inject('native'))('the native backend', () => {
  describeBackend('native', /^TensorFlow 2\.\S+ on (one core|\d+ cores)$/);

  beforeAll(async () => {
    await startBackend('native', () => {});
  });

  test('multiplies matrices', () => {
    const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    expect([...tf.tidy(() => tf.matMul(matrix, matrix).dataSync())]).toEqual([7, 10, 15, 22]);
    matrix.dispose();
  });

  test('runs an operation that tfjs has no function for', () => {
    const { TF_ATTR_TYPE, TF_FLOAT } = nativeBackend().binding;
    const softplus = tf.tidy(() => {
      const attributes = [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }];
      return nativeBackend()
        .executeSingleOutput('Softsign', attributes, [tf.tensor1d([-1, 0, 3])])
        .dataSync();
    });
    expect([...softplus]).toEqual([-0.5, 0, 0.75]);
  });

  test('fuses bias and activation into a convolution, and gives what the three give apart', () => {
    const shapes = [
      [tf.fused.conv2d, tf.conv2d, [3, 3, 4, 4]],
      [tf.fused.depthwiseConv2d, tf.depthwiseConv2d, [3, 3, 4, 1]],
    ] as const;
    for (const [fused, apart, filterShape] of shapes) {
      // oneDNN's fused operation takes the first, and leaves the dilated one to tfjs-node.
      for (const dilations of [1, 2]) {
        const difference = tf.tidy(() => {
          const x = tf.randomNormal<tf.Rank.R4>([2, 9, 9, 4], 0, 2, 'float32', 1);
          const filter = tf.randomNormal<tf.Rank.R4>([...filterShape], 0, 1, 'float32', 2);
          const bias = tf.tensor1d([1, -1, 5, 0]);
          const options = { x, filter, bias, strides: 1, pad: 'same', dilations } as const;
          const expected = apart(x, filter, 1, 'same', 'NHWC', dilations).add(bias).relu6();
          return fused({ ...options, activation: 'relu6' })
            .sub(expected)
            .abs()
            .max()
            .dataSync();
        });
        expect(difference[0]).toBeLessThan(1e-4);
      }
    }
  });

  test('keeps NaN through an activation, so that a training that diverges is noticed', ({
    skip,
  }) => {
    skip(!hasPointwise(), 'Only processors with AVX2 have it.');
    const inputs = {
      x: tf.tensor4d([Number.NaN, 1, 1, 1], [1, 2, 2, 1]),
      filter: tf.tensor4d([1], [1, 1, 1, 1]),
      scale: tf.ones([1]),
      bias: tf.zeros([1]),
    };
    const output = runKernel('GraftPointwise', inputs, { activation: 'relu6' });
    expect([...output.dataSync()]).toEqual([Number.NaN, 1, 1, 1]);
    tf.dispose([output, ...Object.values(inputs)]);
  });

  test('has no gradient of a filter where there are no images', ({ skip }) => {
    skip(!hasPointwise(), 'Only processors with AVX2 have it.');
    const image = (count: number) => tf.ones([count, 2, 2, 3]);
    const filter = tf.ones([1, 1, 3, 3]);
    const byFilter = (count: number) =>
      tf.tidy(() => {
        const inputs = {
          x: image(count),
          filter,
          scale: tf.ones([3]),
          y: image(count),
          dy: image(count),
        };
        const attributes = { activation: 'relu', needsInputGradient: true };
        const [, gradient] = runKernel<tf.Tensor[]>('GraftPointwiseGradients', inputs, attributes);
        return [...(gradient as tf.Tensor).dataSync()];
      });
    expect(byFilter(2)).toEqual(new Array(9).fill(8));
    expect(byFilter(0)).toEqual(new Array(9).fill(0));
    filter.dispose();
  });

  test('refuses an image and a filter of other channels', ({ skip }) => {
    skip(!hasPointwise(), 'Only processors with AVX2 have it.');
    const inputs = {
      x: tf.ones([1, 2, 2, 3]),
      filter: tf.ones([1, 1, 2, 4]),
      scale: tf.ones([4]),
      bias: tf.zeros([4]),
    };
    expect(() => runKernel('GraftPointwise', inputs, { activation: 'relu' })).toThrow(
      /a filter for its channels/,
    );
    tf.dispose(Object.values(inputs));
  });

  test('is refused to whoever computes on another backend', async () => {
    await startBackend('cpu', () => {});
    expect(() => nativeBackend()).toThrow(expect.objectContaining({ code: 'backend_unavailable' }));
    await startBackend('native', () => {});
    expect(nativeBackend().floatPrecision()).toBe(32);
  });
});
