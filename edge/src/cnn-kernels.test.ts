import { env } from 'cloudflare:workers';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  const fast = model.classify(input);
  const again = model.classify(input);
  register(stock);
  const slow = model.classify(input);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(again).toEqual(fast);
  const furthest = Math.max(...slow.map((value, i) => Math.abs(value - (fast[i] as number))));
  expect(furthest).toBeLessThan(1e-5);
  // Sums in another order: the same bits would mean that the same kernels ran.
  expect(furthest).toBeGreaterThan(0);
});
