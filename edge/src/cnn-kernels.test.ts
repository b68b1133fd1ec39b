import { env } from 'cloudflare:workers';
import * as tf from '@tensorflow/tfjs-core';
import type { CallRecorder } from 'shared/cnn/call-recorder';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callRecorder } from './backend.ts';
import type { Env } from './env.ts';
import { type Model, withModel } from './model.ts';

// Importing the backend registers tfjs-wasm's kernels; starting it replaces them.
const replaced = ['FusedConv2D', 'FusedDepthwiseConv2D', '_FusedMatMul', 'Mean'];
const stock = new Map(replaced.map((name) => [name, tf.getKernel(name, 'wasm')]));
const ours = new Map<string, tf.KernelConfig>();
let model: Model;

beforeAll(async () => {
  model = await withModel(env as Env, 'imagenet', 1, (loading) => loading);
  for (const name of replaced) ours.set(name, tf.getKernel(name, 'wasm'));
});

afterAll(() => register(ours));

/** Not what an earlier answer has recorded. */
function classifyAnew(input: Float32Array): Float32Array {
  const recorder = callRecorder() as CallRecorder;
  recorder.paused = true;
  const answer = model.classify(input);
  recorder.paused = false;
  return answer;
}

function register(kernels: ReadonlyMap<string, tf.KernelConfig>): void {
  for (const [name, kernel] of kernels) {
    tf.unregisterKernel(name, 'wasm');
    tf.registerKernel(kernel);
  }
}

test('the whole network gives what tfjs-wasm alone gives, and leaves no tensors', () => {
  const { size } = model.card.preprocess;
  const input = Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * 0.37));
  const tensors = tf.memory().numTensors;
  register(ours);
  const fast = classifyAnew(input);
  const again = classifyAnew(input);
  register(stock);
  const slow = classifyAnew(input);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(again).toEqual(fast);
  const furthest = Math.max(...slow.map((value, i) => Math.abs(value - (fast[i] as number))));
  expect(furthest).toBeLessThan(1e-5);
  // Sums in another order: the same bits would mean that the same kernels ran.
  expect(furthest).toBeGreaterThan(0);
});

test('answers that are replayed are the same', () => {
  register(ours);
  const { size } = model.card.preprocess;
  const inputs = [0.37, 0.11].map((step) =>
    Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * step)),
  );
  const expected = inputs.map(classifyAnew);
  expect(expected[0]).not.toEqual(expected[1]);
  model.classify(inputs[0] as Float32Array);
  const tensors = tf.memory().numTensors;
  const unused = new Map(
    [...ours].map(([name, kernel]) => [name, { ...kernel, kernelFunc: fail }]),
  );
  register(unused);
  for (let round = 0; round < 3; round++) expect(inputs.map(model.classify)).toEqual(expected);
  register(ours);
  expect(tf.memory().numTensors).toBe(tensors);
});

function fail(): never {
  throw new Error('tfjs was asked again.');
}
