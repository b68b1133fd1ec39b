import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../datasets/random.ts';
import type { Parameter } from '../plan/plan.ts';
import { startBackend } from '../runtime/start-backend.ts';
import { Adam } from './adam.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});
afterEach(() => tf.disposeVariables());

function parameter(name: string, values: number[]): Parameter {
  return { name, value: tf.tidy(() => tf.variable(tf.tensor1d(values))) };
}

function step(optimizer: Adam, { name, value }: Parameter, gradient: number[], rate = 0.1) {
  tf.tidy(() => optimizer.apply([{ name, value }], new Map([[name, tf.tensor1d(gradient)]]), rate));
}

/** Gradients of several steps, large and small ones. */
function gradients(steps: number): number[][] {
  const random = createRandom(3);
  return Array.from({ length: steps }, () =>
    Array.from({ length: 8 }, (_, i) => (random.float() - 0.5) * 10 ** (i / 2 - 1)),
  );
}

const start = [1, -2, 0.5, 0, 3, -0.1, 7, -4];

/** By hand, in double precision, from the paper's equations with epsilon outside the correction. */
test('takes the first two steps of the paper', () => {
  const w = parameter('w', [1, -2]);
  const optimizer = new Adam([w]);
  step(optimizer, w, [0.5, -1]);
  expect(w.value.dataSync()[0]).toBeCloseTo(0.900000632, 6);
  expect(w.value.dataSync()[1]).toBeCloseTo(-1.900000316, 6);
  step(optimizer, w, [1, 0.5]);
  expect(w.value.dataSync()[0]).toBeCloseTo(0.8034827, 6);
  expect(w.value.dataSync()[1]).toBeCloseTo(-1.8733667, 6);
  const [mean, square] = optimizer.state().map(([, value]) => [...value.dataSync()]);
  expect(mean?.[0]).toBeCloseTo(0.145, 6);
  expect(mean?.[1]).toBeCloseTo(-0.04, 6);
  expect(square?.[0]).toBeCloseTo(0.00124975, 8);
  expect(square?.[1]).toBeCloseTo(0.001249, 8);
});

/** Within 5e-5: tfjs adds epsilon to the corrected moment, Keras, as here, to the plain one. */
test('goes where tf.train.adam goes', () => {
  const ours = parameter('ours', start);
  const theirs = parameter('theirs', start);
  const optimizer = new Adam([ours]);
  const reference = tf.train.adam(0.05);
  for (const gradient of gradients(10)) {
    step(optimizer, ours, gradient, 0.05);
    const byName = [{ name: theirs.value.name, tensor: tf.tensor1d(gradient) }];
    reference.applyGradients(byName);
  }
  const expected = theirs.value.dataSync();
  ours.value.dataSync().forEach((value, i) => {
    expect(Math.abs(value - (start[i] as number))).toBeGreaterThan(1e-3);
    expect(value).toBeCloseTo(expected[i] as number, 4);
  });
});

test('goes on from its state as if it had never stopped', () => {
  const all = gradients(6);
  const steady = parameter('w', start);
  const optimizer = new Adam([steady]);
  for (const gradient of all.slice(0, 3)) step(optimizer, steady, gradient);

  const resumed = parameter('w', [...steady.value.dataSync()]);
  const successor = new Adam([resumed]);
  const saved = new Map(optimizer.state());
  for (const [name, moment] of successor.state()) moment.assign(saved.get(name) as tf.Variable);
  successor.resumeAt(optimizer.steps);

  for (const gradient of all.slice(3)) {
    step(optimizer, steady, gradient);
    step(successor, resumed, gradient);
  }
  expect(successor.steps).toBe(6);
  expect(resumed.value.dataSync()).toEqual(steady.value.dataSync());
});

test('keeps two moments a parameter, and nothing else', () => {
  const parameters = [parameter('a', [1, 2]), parameter('b', [3])];
  const before = tf.memory().numTensors;
  const optimizer = new Adam(parameters);
  expect(tf.memory().numTensors).toBe(before + 4);
  expect(optimizer.state().map(([name]) => name)).toEqual([
    'mean/a',
    'square/a',
    'mean/b',
    'square/b',
  ]);
  const given = new Map(parameters.map(({ name, value }) => [name, tf.onesLike(value)]));
  optimizer.apply(parameters, given, 0.1);
  expect(tf.memory().numTensors).toBe(before + 4 + given.size);
  tf.dispose([...given.values()]);
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('names a parameter that has no gradient', () => {
  const parameters = [parameter('a', [1])];
  expect(() => new Adam(parameters).apply(parameters, new Map(), 0.1)).toThrow(
    'Adam has no gradient for a.',
  );
});
