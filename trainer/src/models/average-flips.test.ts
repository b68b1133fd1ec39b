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
