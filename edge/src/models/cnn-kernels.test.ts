import { env } from 'cloudflare:workers';
import * as tf from '@tensorflow/tfjs-core';
import type { Arithmetic } from 'shared/contract/model-card';
import { foldGraph } from 'shared/inference/fold-constants';
import { loadGraph } from 'shared/inference/graph/load-graph';
import type { CallRecorder } from 'shared/inference/kernels/call-recorder';
import { readArtifacts } from 'shared/inference/model-directory';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Kernels, registeredKernels, useKernels } from '../../bench/measuring/swap-kernels.ts';
import type { Env } from '../env.ts';
import { callRecorder } from './backend.ts';
import { type Model, withModel } from './model.ts';
import { readModelFile } from './model-source.ts';
import { loadModelCard } from './models-index.ts';

// Importing the backend registers tfjs-wasm's kernels, and starting it replaces some of them.
const stock = registeredKernels();
let ours: Kernels;
const directory = 'imagenet';
let recorder: CallRecorder;

beforeAll(async () => {
  await withModel(env as Env, directory, 1, (loading) => loading);
  ours = registeredKernels();
  recorder = callRecorder() as CallRecorder;
});

afterAll(() => useKernels(ours));

/** Runs `use` with a model that is loaded only for it. */
function withOwnModel<T>(use: (model: Model) => T): Promise<T> {
  return withModel(env as Env, directory, 0, async (loading) => use(await loading));
}

const inputOf = ({ card }: Model, step: number) =>
  Float32Array.from({ length: card.preprocess.size ** 2 * 3 }, (_, i) => Math.sin(i * step));

/** The predictions of the network in another arithmetic than its card's. */
async function probabilitiesIn(arithmetic: Arithmetic): Promise<Float32Array> {
  const description = await loadModelCard(env as Env, directory);
  const artifacts = await readArtifacts(description, (name) =>
    readModelFile(env as Env, `${directory}/${name}`),
  );
  const graph = loadGraph(foldGraph(artifacts), arithmetic);
  const { size } = description.card.preprocess;
  const probabilities = tf.tidy(() => {
    const values = Float32Array.from({ length: size ** 2 * 3 }, (_, i) => Math.sin(i * 0.37));
    return graph.run(tf.tensor(values, [1, size, size, 3])).dataSync<'float32'>();
  });
  graph.dispose();
  return probabilities;
}

function furthest(probabilities: Float32Array, from: Float32Array): number {
  return Math.max(...probabilities.map((value, i) => Math.abs(value - (from[i] as number))));
}

test('the whole network agrees with tfjs-wasm alone, and leaks no tensors', async () => {
  const before = tf.memory().numTensors;
  const fast = await probabilitiesIn('float32');
  const inEightBits = await probabilitiesIn('int8');
  useKernels(stock);
  const slow = await probabilitiesIn('float32');
  useKernels(ours);
  expect(tf.memory().numTensors).toBe(before);
  expect(furthest(slow, fast)).toBeLessThan(1e-5);
  // Our kernels add in another order: equal bits would mean that the same kernels ran.
  expect(furthest(slow, fast)).toBeGreaterThan(0);
  expect(furthest(inEightBits, fast)).toBeGreaterThan(1e-4);
  expect(furthest(inEightBits, fast)).toBeLessThan(0.02);
});

test('a model computes in the arithmetic of its card', async () => {
  const served = await withOwnModel((model) => model.classify(inputOf(model, 0.37)));
  // The score comes after them.
  expect(served.slice(0, -1)).toEqual(await probabilitiesIn('int8'));
});

test('a replay gives the same predictions', async () => {
  await withOwnModel((model) => {
    const inputs = [0.37, 0.11].map((step) => inputOf(model, step));
    recorder.paused = true;
    const expected = inputs.map(model.classify);
    recorder.paused = false;
    expect(expected[0]).not.toEqual(expected[1]);
    // One of them is borderline, so that its score comes from a network in float32.
    for (const input of inputs) model.classify(input);
    const tensors = tf.memory().numTensors;
    useKernels(new Map([...ours].map(([name, kernel]) => [name, { ...kernel, kernelFunc: fail }])));
    for (let round = 0; round < 3; round++) expect(inputs.map(model.classify)).toEqual(expected);
    useKernels(ours);
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

test('a borderline score stays that of 8 bits where float32 cannot be loaded', async () => {
  const classify = (model: Model) =>
    [0.37, 0.11].map((step) => model.classify(inputOf(model, step)));
  const expected = await withOwnModel(classify);
  const without = await withOwnModel((model) => {
    const dequantize = ours.get('Dequantize') as tf.KernelConfig;
    useKernels(new Map([...ours, ['Dequantize', { ...dequantize, kernelFunc: fail }]]));
    try {
      return classify(model);
    } finally {
      useKernels(ours);
    }
  });
  for (const [i, outputs] of without.entries()) {
    expect(outputs.slice(0, -1)).toEqual(expected[i]?.slice(0, -1));
    expect(furthest(outputs, expected[i] as Float32Array)).toBeLessThan(0.1);
  }
  const scores = [expected, without].map((all) => all.map((outputs) => outputs.at(-1)));
  expect(scores[0]).not.toEqual(scores[1]);
});

test('stock kernels refuse weights that were packed for ours', async () => {
  await withOwnModel((model) => {
    recorder.paused = true;
    const dilated = ours.get('FusedConv2D') as tf.KernelConfig;
    const asDilated: tf.KernelConfig = {
      ...dilated,
      kernelFunc: (call) =>
        dilated.kernelFunc({
          ...call,
          attrs: { ...call.attrs, dilations: [2, 2], strides: [1, 1] },
        }),
    };
    useKernels(new Map([...ours, ['FusedConv2D', asDilated]]));
    try {
      expect(() => model.classify(inputOf(model, 0.37))).toThrow('packed for a product');
    } finally {
      useKernels(ours);
      recorder.paused = false;
    }
  });
});

function fail(): never {
  throw new Error('tfjs was called again.');
}
