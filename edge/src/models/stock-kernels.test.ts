import { env } from 'cloudflare:workers';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { Env } from '../env.ts';
import { createWasmBackend, int8Arithmetic, startBackend } from './backend.ts';
import { withModel } from './model.ts';

test('serves with tfjs-wasm alone where our kernels do not load', async () => {
  const stock = tf.getKernel('FusedConv2D', 'wasm');
  const missing = (): Promise<never> => Promise.reject(new Error('no relaxed SIMD here'));
  expect(await startBackend(() => createWasmBackend(missing))).toBe('wasm');
  expect(tf.getKernel('FusedConv2D', 'wasm')).toBe(stock);
  expect(int8Arithmetic().arithmetic).toBe('float32');
  const model = await withModel(env as Env, 'cifar10', 1, (loading) => loading);
  const { size } = model.card.preprocess;
  const input = Float32Array.from({ length: size * size * 3 }, (_, i) => Math.sin(i * 0.37));
  const outputs = model.classify(input);
  // After them comes the score.
  const probabilities = outputs.subarray(0, model.card.labels.length);
  expect(outputs).toHaveLength(probabilities.length + 1);
  expect(probabilities.reduce((sum, probability) => sum + probability)).toBeCloseTo(1, 5);
  expect(Math.max(...probabilities)).toBeGreaterThan(0.15);
  // Recorded, and replayed.
  expect([model.classify(input), model.classify(input)]).toEqual([outputs, outputs]);
});
