import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { createWasmModule, type WasmModule } from '../tfjs-wasm-node.ts';
import { CallRecorder } from './call-recorder.ts';
import { kernelsInHeap } from './cnn-kernels.ts';
import { cnnKernelsForNode } from './cnn-kernels-node.ts';
import { createPredictor } from './predictor.ts';
import { registerCnnKernels } from './register-cnn-kernels.ts';

const SHAPE: [number, number, number, number] = [1, 12, 12, 3];
let wasm: WasmModule;
let recorder: CallRecorder;

beforeAll(async () => {
  wasm = await createWasmModule();
  recorder = new CallRecorder(wasm);
  const backend = new BackendWasm(wasm);
  recorder.watchMemory(backend);
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => backend);
  await tf.setBackend('wasm');
  const kernels = kernelsInHeap(wasm, (imports) => recorder.watchAll(cnnKernelsForNode()(imports)));
  registerCnnKernels(backend, kernels);
});

const weight = <R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number) =>
  tf.keep(tf.randomUniform<R>(shape, -1, 1, 'float32', seed));

/** With kernels of ours, and of tfjs-wasm's: a sigmoid, a dilated convolution, a sum, a softmax. */
function makeNetwork() {
  const stem = weight<tf.Rank.R4>([3, 3, 3, 8], 1);
  const depthwise = weight<tf.Rank.R4>([3, 3, 8, 1], 2);
  const dilated = weight<tf.Rank.R4>([3, 3, 8, 8], 3);
  const dense = weight<tf.Rank.R2>([8, 5], 4);
  const options = { strides: 1, pad: 'same' } as const;
  const run = (input: tf.Tensor): tf.Tensor => {
    const x = tf.fused.conv2d({ x: input as tf.Tensor4D, filter: stem, strides: 2, pad: 'same' });
    const gate = tf.sigmoid(tf.depthwiseConv2d(x, depthwise, 1, 'same'));
    const y = tf.fused.conv2d({ x, filter: dilated, ...options, dilations: 2, activation: 'relu' });
    const pooled = tf.mean(tf.add(tf.mul(x, gate), y), [1, 2]) as tf.Tensor2D;
    return tf.softmax(tf.fused.matMul({ a: pooled, b: dense }));
  };
  return { run, dispose: () => tf.dispose([stem, depthwise, dilated, dense]) };
}

const inputs = [1, 2, 3].map((seed) =>
  Float32Array.from({ length: 12 * 12 * 3 }, (_, i) => Math.sin(i * seed) * 2),
) as [Float32Array, Float32Array, Float32Array];

/** As tfjs computes it. */
function expectedOf(run: (input: tf.Tensor) => tf.Tensor, values: Float32Array): Float32Array {
  return tf.tidy(() => run(tf.tensor(values, SHAPE)).dataSync<'float32'>());
}

test('replays a network with the same bits, whatever else is computed in between', () => {
  const before = tf.memory().numTensors;
  const network = makeNetwork();
  const expected = inputs.map((values) => expectedOf(network.run, values));
  let runs = 0;
  const counted = (input: tf.Tensor) => {
    runs++;
    return network.run(input);
  };
  const predictor = createPredictor(counted, SHAPE, recorder);
  const other = makeNetwork();
  for (let round = 0; round < 4; round++) {
    for (const [i, values] of inputs.entries()) {
      expect(predictor.predict(values)).toEqual(expected[i]);
      // In the place of what it has given back, if it gave it back.
      const held = [tf.fill([500], NaN), tf.fill([12, 12, 8], NaN), tf.fill([6, 6, 8], NaN)];
      expectedOf(other.run, values);
      tf.dispose(held);
    }
  }
  // Once as it is, twice to record it.
  expect(runs).toBe(3);
  recorder.paused = true;
  expect(predictor.predict(inputs[0])).toEqual(expected[0]);
  expect(runs).toBe(4);
  recorder.paused = false;
  predictor.dispose();
  other.dispose();
  network.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('runs a network as it is where JavaScript moves the values', () => {
  const network = makeNetwork();
  const run = (input: tf.Tensor) => {
    const halves = tf.split(input, 2, 1);
    return network.run(tf.concat([halves[1] as tf.Tensor, halves[0] as tf.Tensor], 1));
  };
  const before = tf.memory().numTensors;
  const predictor = createPredictor(run, SHAPE, recorder);
  for (const values of [...inputs, ...inputs])
    expect(predictor.predict(values)).toEqual(expectedOf(run, values));
  predictor.dispose();
  expect(tf.memory().numTensors).toBe(before);
  network.dispose();
});

test('gives the memory back', () => {
  const heapBytes = (): number => {
    for (let i = 0; i < 30; i++) {
      const filter = weight<tf.Rank.R4>([1, 1, 64, 64], i);
      const run = (x: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, filter, 1, 'same');
      const predictor = createPredictor(run, [1, 64, 64, 64], recorder);
      const values = new Float32Array(64 ** 3).fill(i);
      // Comparing all of them would take seconds.
      const answers = [1, 2, 3].map(() => predictor.predict(values).subarray(0, 100));
      expect(answers[2]).toEqual(answers[0]);
      predictor.dispose();
      filter.dispose();
    }
    return wasm.HEAPU8.length;
  };
  const before = heapBytes();
  // 30 inputs and outputs of this size would take 63 MB.
  expect(heapBytes()).toBe(before);
});

test('gives all outputs of a network that has several', () => {
  const network = makeNetwork();
  const run = (input: tf.Tensor) => {
    const probabilities = network.run(input);
    return [probabilities, tf.max(probabilities, 1, true)];
  };
  const predictor = createPredictor(run, SHAPE, recorder);
  for (const values of [...inputs, ...inputs]) {
    const expected = expectedOf(network.run, values);
    expect(predictor.predict(values)).toEqual(Float32Array.of(...expected, Math.max(...expected)));
  }
  predictor.dispose();
  network.dispose();
});
