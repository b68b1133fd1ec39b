import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { interpolateKernels } from './interpolate-kernels.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

/**
 * A kernel pretrained at 0 and fine-tuned to 10, and 400 predictions, whose number of correct ones
 * depends on the kernel's value.
 */
async function interpolate(rightOf400At: (kernel: number) => number, tuned = 10) {
  const value = tf.variable(tf.tensor1d([tuned]));
  const parameters = [{ name: 'block/kernel', value }];
  const pretrained = new Map([['block/kernel', { shape: [1], values: Float32Array.of(0) }]]);
  const tried: number[] = [];
  const before = tf.memory().numTensors;
  const result = await interpolateKernels(parameters, pretrained, async () => {
    const [kernel] = value.dataSync() as Float32Array;
    tried.push(Math.round(kernel as number));
    const right = rightOf400At(Math.round(kernel as number));
    return {
      classes: 2,
      labels: new Int32Array(400),
      probabilities: Float32Array.from({ length: 800 }, (_, at) =>
        // All have a confidence of 90 %, which calibration corrects.
        (at % 2 === 0) === Math.floor(at / 2) < right ? 0.9 : 0.1,
      ),
    };
  });
  expect(tf.memory().numTensors).toBe(before);
  const [kept] = value.dataSync() as Float32Array;
  value.dispose();
  return { ...result, kept, tried };
}

test('moves towards the pretrained kernels while the validation loss is no higher', async () => {
  const { share, loss, kept, tried } = await interpolate((kernel) => (kernel >= 6 ? 360 : 340));
  expect(share).toBe(0.6);
  expect(kept).toBeCloseTo(6, 5);
  expect(loss?.after).toBe(loss?.before);
  expect(tried).toEqual([10, 9, 8, 7, 6, 5]);
});

test('keeps the fine-tuned kernels where every step back raises the loss', async () => {
  const { share, loss, kept, tried } = await interpolate((kernel) => 300 + 6 * kernel);
  expect([share, kept]).toEqual([1, 10]);
  expect(loss?.after).toBe(loss?.before);
  expect(tried).toEqual([10, 9]);
});

test('compares calibrated losses', async () => {
  // Halfway, more predictions are correct, which an uncalibrated loss shows as well.
  const { share, loss } = await interpolate((kernel) => (kernel >= 5 ? 370 - kernel : 300));
  expect(share).toBe(0.5);
  expect(loss?.after).toBeLessThan(loss?.before as number);
});

test('returns undefined where fine-tuning did not change the kernels', async () => {
  const { share, tried, kept } = await interpolate(() => 200, 0);
  expect([share, kept]).toEqual([undefined, 0]);
  expect(tried).toEqual([]);
});
