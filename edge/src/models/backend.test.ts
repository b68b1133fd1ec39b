import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { int8Arithmetic, startBackend } from './backend.ts';

// app.test.ts tests the start of the WASM backend; an isolate starts a backend only once.
test('falls back to the plain CPU backend for good', async () => {
  const failing = (): Promise<never> => Promise.reject(new Error('no WebAssembly here'));
  expect(await startBackend(failing)).toBe('cpu');
  expect(await startBackend()).toBe('cpu');
  const sum = tf.tidy(() => tf.add([1, 2], [3, 4]).dataSync());
  expect([...sum]).toEqual([4, 6]);
  expect(int8Arithmetic().arithmetic).toBe('float32');
});
