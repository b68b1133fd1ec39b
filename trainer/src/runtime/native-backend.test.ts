import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { nativeBackend } from './native-backend.ts';
import { startBackend } from './start-backend.ts';

const photos = () => tf.randomNormal<tf.Rank.R4>([2, 7, 7, 3], 0, 1, 'float32', 1);
const kernel = () => tf.randomNormal<tf.Rank.R4>([3, 3, 3, 4], 0, 1, 'float32', 2);

/** A convolution and the gradients of its squares, computed on the current backend. */
function convolve(): number[][] {
  return tf.tidy(() => {
    const loss = (x: tf.Tensor4D, k: tf.Tensor4D) =>
      tf.conv2d(x, k, 2, 'same').square().sum<tf.Scalar>();
    const gradients = tf.grads((x, k) => loss(x as tf.Tensor4D, k as tf.Tensor4D));
    return [tf.conv2d(photos(), kernel(), 2, 'same'), ...gradients([photos(), kernel()])].map(
      (tensor) => [...tensor.dataSync()],
    );
  });
}

describe.skipIf(!inject('native'))('the native backend', () => {
  beforeAll(async () => {
    await startBackend('native', () => {});
  });

  test('multiplies matrices', () => {
    const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    expect([...tf.tidy(() => tf.matMul(matrix, matrix).dataSync())]).toEqual([7, 10, 15, 22]);
    matrix.dispose();
  });

  test('gives the convolution and gradients that plain JavaScript gives', async () => {
    const native = convolve();
    await startBackend('cpu', () => {});
    const plain = convolve();
    await startBackend('native', () => {});
    native.forEach((values, which) => {
      expect(values).toHaveLength(plain[which]?.length ?? 0);
      const errors = values.map((value, index) => Math.abs(value - (plain[which]?.[index] ?? NaN)));
      // float32 sums of up to 75 products of numbers of about 10.
      expect(Math.max(...errors)).toBeLessThan(1e-3);
    });
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

  test('leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    convolve();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('is refused to whoever computes on another backend', async () => {
    await startBackend('cpu', () => {});
    expect(() => nativeBackend()).toThrow(expect.objectContaining({ code: 'backend_unavailable' }));
    await startBackend('native', () => {});
    expect(nativeBackend().floatPrecision()).toBe(32);
  });
});
