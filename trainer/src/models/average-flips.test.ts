import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { averageFlips } from './average-flips.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

test('averages all outputs for an image and its mirror image', () => {
  // As probabilities, the first row's values; as the score, the first of them.
  const row = (inputs: tf.Tensor) => inputs.slice([0, 0, 0, 0], [1, 1, 2, 1]).reshape([1, 2]);
  const network = averageFlips({
    run: row,
    outputs: (inputs) => [row(inputs), row(inputs).slice([0, 0], [1, 1]).reshape([1])],
    dispose: () => {},
  });
  const image = tf.tensor4d([0.25, 0.75, 0, 0], [1, 2, 2, 1]);
  const before = tf.memory().numTensors;
  const probabilities = network.run(image);
  const [same, score] = network.outputs?.(image) ?? [];
  expect(tf.memory().numTensors).toBe(before + 3);
  expect([...probabilities.dataSync()]).toEqual([0.5, 0.5]);
  expect([...(same?.dataSync() ?? [])]).toEqual([0.5, 0.5]);
  expect([...(score?.dataSync() ?? [])]).toEqual([0.5]);
  tf.dispose([image, probabilities, same ?? [], score ?? []]);
});

test('computes the mean score exactly where it is borderline, and neither of its parts is', () => {
  const scored = (left: number) => tf.tensor1d([left]);
  const leftOf = (inputs: tf.Tensor) => inputs.dataSync()[0] as number;
  const { outputs } = averageFlips({
    run: () => tf.tensor2d([[1]]),
    outputs: (inputs) => [tf.tensor2d([[1]]), scored(leftOf(inputs))],
    exactScore: (inputs) => scored(leftOf(inputs) - 0.05),
    dispose: () => {},
  });
  const scoreOf = (left: number, right: number) => {
    const image = tf.tensor4d([left, right], [1, 1, 2, 1]);
    const [probabilities, score] = outputs?.(image) ?? [];
    const value = score?.dataSync()[0];
    tf.dispose([image, probabilities ?? [], score ?? []]);
    return value;
  };
  const before = tf.memory().numTensors;
  expect(scoreOf(0.64, 0.39)).toBeCloseTo(0.465, 6);
  expect(scoreOf(0.9, 0.7)).toBeCloseTo(0.8, 6);
  expect(tf.memory().numTensors).toBe(before);
});
