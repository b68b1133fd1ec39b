import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { loadWeights } from './load-weights.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});

function buildLayers(): tf.layers.Layer[] {
  const input = tf.input({ shape: [2] });
  const first = tf.layers.dense({ name: 'first', units: 3 });
  const norm = tf.layers.batchNormalization({ name: 'norm' });
  const output = norm.apply(first.apply(input)) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output }).layers;
}

function allWeights(): Map<string, NamedTensor> {
  const vector = (start: number) => ({
    shape: [3],
    values: Float32Array.of(start, start + 1, start + 2),
  });
  return new Map([
    ['norm/gamma', vector(10)],
    ['norm/beta', vector(20)],
    ['norm/moving_mean', vector(30)],
    ['norm/moving_variance', vector(40)],
    ['first/bias', vector(50)],
    ['first/kernel', { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ]);
}

function valuesOf(layers: readonly tf.layers.Layer[]): Record<string, number[]> {
  return Object.fromEntries(
    layers.flatMap((layer) =>
      layer.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]),
    ),
  );
}

test('sets every weight by its name, whatever the order', () => {
  const layers = buildLayers();
  const before = tf.memory().numTensors;
  loadWeights(layers, allWeights());
  expect(tf.memory().numTensors).toBe(before);
  const expected = [...allWeights()].map(([name, { values }]) => [name, [...values]]);
  expect(valuesOf(layers)).toEqual(Object.fromEntries(expected));
});

test.each<[string, (tensors: Map<string, NamedTensor>) => void, string]>([
  [
    'missing',
    (tensors) => tensors.delete('norm/moving_variance'),
    'The weights lack the tensor norm/moving_variance: they belong to another network.',
  ],
  [
    'extra',
    (tensors) => tensors.set('second/bias', { shape: [1], values: Float32Array.of(0) }),
    'The weights have a tensor second/bias that the network lacks: they belong to another network.',
  ],
  [
    'of another shape',
    (tensors) => tensors.set('first/kernel', { shape: [3, 2], values: new Float32Array(6) }),
    'Expected the tensor first/kernel with shape [2,3], but the weights have [3,2]: they belong to another network.',
  ],
])('names a tensor that is %s, and then changes nothing', (_, spoil, message) => {
  const layers = buildLayers();
  const before = valuesOf(layers);
  const tensors = allWeights();
  spoil(tensors);
  expect(() => loadWeights(layers, tensors)).toThrow(
    expect.objectContaining({ code: 'weights_invalid', message }),
  );
  expect(valuesOf(layers)).toEqual(before);
});
