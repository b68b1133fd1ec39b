import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { describeBackend } from '../../fixtures/backend-suite.ts';
import { nativeBackend } from './native-backend.ts';
import { startBackend } from './start-backend.ts';

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

  test('is refused to whoever computes on another backend', async () => {
    await startBackend('cpu', () => {});
    expect(() => nativeBackend()).toThrow(expect.objectContaining({ code: 'backend_unavailable' }));
    await startBackend('native', () => {});
    expect(nativeBackend().floatPrecision()).toBe(32);
  });
});
