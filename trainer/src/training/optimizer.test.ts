import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { startBackend } from '../backends/start-backend.ts';
import { createRandom } from '../config/random.ts';
import type { Parameter } from '../plan/operation.ts';
import { Optimizer, type OptimizerConfig } from './optimizer.ts';

beforeAll(async () => {
  await startBackend('cpu', () => {});
});
afterEach(() => tf.disposeVariables());

const adam: OptimizerConfig = { weightDecay: 0, beta2: 0.999, ema: 0 };
const everything: OptimizerConfig = { weightDecay: 0.1, beta2: 0.99, ema: 0.9 };

function parameter(name: string, values: number[], shape = [values.length]): Parameter {
  return { name, value: tf.tidy(() => tf.variable(tf.tensor(values, shape))) };
}

function step(optimizer: Optimizer, { name, value }: Parameter, gradient: number[], rate = 0.1) {
  const tensors = new Map([[name, tf.tensor(gradient, value.shape)]]);
  optimizer.apply(tensors, rate);
  tf.dispose([...tensors.values()]);
}

const valuesOf = ({ value }: Parameter) => [...value.dataSync()];

function expectClose(values: readonly number[], expected: readonly number[], digits = 6): void {
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of values.entries())
    expect(value).toBeCloseTo(expected[i] as number, digits);
}

/** Large and small gradients of several steps. */
function gradients(steps: number): number[][] {
  const random = createRandom(3);
  return Array.from({ length: steps }, () =>
    Array.from({ length: 8 }, (_, i) => (random.float() - 0.5) * 10 ** (i / 2 - 1)),
  );
}

const start = [1, -2, 0.5, 0, 3, -0.1, 7, -4];

/** Computed in double precision from the paper's equations, with epsilon outside the correction. */
test('adam computes the first two steps of the paper', () => {
  const w = parameter('w', [1, -2]);
  const optimizer = new Optimizer([w], adam);
  step(optimizer, w, [0.5, -1]);
  expectClose(valuesOf(w), [0.900000632, -1.900000316]);
  step(optimizer, w, [1, 0.5]);
  expectClose(valuesOf(w), [0.8034827, -1.8733667]);
  const [mean, square] = optimizer.state().map(([, value]) => [...value.dataSync()]);
  expectClose(mean ?? [], [0.145, -0.04]);
  expectClose(square ?? [], [0.00124975, 0.001249], 8);
});

/** Within 5e-5: tfjs adds epsilon to the corrected moment; Keras, as here, to the uncorrected one. */
test('adam agrees with tf.train.adam', () => {
  const ours = parameter('ours', start);
  const theirs = parameter('theirs', start);
  const optimizer = new Optimizer([ours], adam);
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

/**
 * The values of Keras 3.15's AdamW, which agree with double precision to 2e-6. A decay of 0.5 at a learning
 * rate of 0.1 takes 5 % off kernels only.
 */
test.each([
  ['a bias', [2], [0.803484, -1.8733675]],
  ['a kernel', [2, 1], [0.7109839, -1.6833675]],
])('adamw takes two steps of %s', (_, shape, expected) => {
  const w = parameter('w', [1, -2], shape);
  const optimizer = new Optimizer([w], { ...adam, weightDecay: 0.5 });
  step(optimizer, w, [0.5, -1]);
  step(optimizer, w, [1, 0.5]);
  expectClose(valuesOf(w), expected, 5);
});

/** As before, with 0.99 in place of 0.999 in the equations. */
test('adam takes two steps with a β₂ of 0.99', () => {
  const w = parameter('w', [1, -2]);
  const optimizer = new Optimizer([w], { ...adam, beta2: 0.99 });
  step(optimizer, w, [0.5, -1]);
  step(optimizer, w, [1, 0.5]);
  expectClose(valuesOf(w), [0.8036128, -1.8733302]);
});

/** With decays of 2/11, then 0.2, which is less than 3/12. */
test('averages with a rising decay, and swaps the EMA weights in', async () => {
  const w = parameter('w', [0]);
  const optimizer = new Optimizer([w], { ...adam, ema: 0.2 });
  const values = [0];
  for (let i = 0; i < 3; i++) {
    step(optimizer, w, [-11], 1);
    values.push(valuesOf(w)[0] as number);
  }
  const [start = 0, ...rest] = values;
  const expected = [2 / 11, 0.2, 0.2].reduce(
    (average, decay, i) => decay * average + (1 - decay) * (rest[i] as number),
    start,
  );
  expect(await optimizer.averaged(async () => valuesOf(w)[0])).toBeCloseTo(expected, 5);
  expect(valuesOf(w)).toEqual([values[3]]);
  const failing = optimizer.averaged(() => Promise.reject(new Error('Stopped.')));
  await expect(failing).rejects.toThrow('Stopped.');
  expect(valuesOf(w)).toEqual([values[3]]);
});

test.each([
  ['adam', adam],
  ['adamw with everything', everything],
] as const)('%s resumes from its state as if never interrupted', (_, config) => {
  const all = gradients(6);
  const steady = parameter('w', start, [2, 4]);
  const optimizer = new Optimizer([steady], config);
  for (const gradient of all.slice(0, 3)) step(optimizer, steady, gradient);

  const resumed = parameter('w', valuesOf(steady), [2, 4]);
  const successor = new Optimizer([resumed], config);
  const saved = new Map(optimizer.state());
  for (const [name, value] of successor.state()) value.assign(saved.get(name) as tf.Variable);
  successor.resumeAt(optimizer.steps);

  for (const gradient of all.slice(3)) {
    step(optimizer, steady, gradient);
    step(successor, resumed, gradient);
  }
  expect(successor.steps).toBe(6);
  expect(valuesOf(resumed)).toEqual(valuesOf(steady));
  const values = (of: Optimizer) =>
    of.state().map(([name, value]) => [name, [...value.dataSync()]]);
  expect(values(successor)).toEqual(values(optimizer));
});

test.each([
  [adam, ['mean', 'square']],
  [everything, ['mean', 'square', 'average']],
] as const)('keeps only the state that each optimizer needs', async (config, slots) => {
  const parameters = [parameter('a', [1, 2]), parameter('b', [3])];
  const before = tf.memory().numTensors;
  const optimizer = new Optimizer(parameters, config);
  expect(optimizer.state().map(([name]) => name)).toEqual([
    ...slots.map((slot) => `${slot}/a`),
    ...slots.map((slot) => `${slot}/b`),
  ]);
  const given = new Map(parameters.map(({ name, value }) => [name, tf.onesLike(value)]));
  optimizer.apply(given, 0.1);
  await optimizer.averaged(async () => {});
  expect(tf.memory().numTensors).toBe(before + 2 * slots.length + given.size);
  tf.dispose([...given.values()]);
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('names a parameter without a gradient', () => {
  const optimizer = new Optimizer([parameter('a', [1])], adam);
  expect(() => optimizer.apply(new Map(), 0.1)).toThrow('The optimizer has no gradient for a.');
});
