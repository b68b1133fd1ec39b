import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type FoldedGraph, foldGraph } from '../fold-constants.ts';
import { kernelsInHeap } from '../kernels/cnn-kernels.ts';
import { kernelArguments } from '../kernels/kernel-arguments.ts';
import { registerCnnKernels } from '../kernels/register-cnn-kernels.ts';
import { watchedKernels } from '../kernels/watched-kernels.ts';
import { createWasmModule } from '../tfjs-wasm-node.ts';
import { loadGraph } from './load-graph.ts';

// What runs all operations is tested in workerd: here is which kernels compute what.

interface Layer {
  readonly op: '_FusedConv2D' | '_FusedMatMul';
  readonly kernel: readonly number[];
  readonly stride?: number;
  readonly activation?: string;
  /** tfjs' affine form of 8 bits; left out for float32. */
  readonly quantization?: { readonly dtype: 'uint8'; readonly scale: number; readonly min: number };
}

const SIZE = 6;
const symmetric = { dtype: 'uint8', scale: 1 / 127, min: -128 / 127 } as const;
const pointwise: Layer = { op: '_FusedConv2D', kernel: [1, 1, 48, 20], quantization: symmetric };
const dense: Layer = { op: '_FusedMatMul', kernel: [48, 20], quantization: symmetric };

let called: string[] = [];

beforeAll(async () => {
  const wasm = await createWasmModule();
  const backend = new BackendWasm(wasm);
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => backend);
  await tf.setBackend('wasm');
  const product = kernelArguments.convolve.indexOf('product');
  const watched = watchedKernels((name, values) =>
    called.push(name === 'convolve' && values[product] ? 'convolve in int8' : name),
  );
  registerCnnKernels(backend, kernelsInHeap(wasm, watched));
});

beforeEach(() => {
  called = [];
});

test.each([
  ['a pointwise convolution', pointwise, 'multiplyInt8'],
  ['one with ReLU6', { ...pointwise, activation: 'Relu6' }, 'multiplyInt8'],
  ['a dense layer', dense, 'multiplyInt8'],
  ['one that leaves pixels out', { ...pointwise, stride: 2 }, 'convolve in int8'],
  ['a 3×3 convolution', { ...pointwise, kernel: [3, 3, 48, 20] }, 'convolve in int8'],
  ['one of few steps', { ...pointwise, kernel: [3, 3, 3, 20] }, 'convolve'],
  ['few steps', { ...pointwise, kernel: [1, 1, 32, 20] }, 'multiply'],
  [
    'steps that have their zero elsewhere',
    { ...pointwise, quantization: { ...symmetric, min: -1.5 } },
    'multiply',
  ],
  ['float32', { op: '_FusedConv2D', kernel: [1, 1, 48, 20] }, 'multiply'],
] as const)('%s: %#', (_, layer: Layer, kernel) => {
  const graph = graphOf(layer);
  const inFloats = answersOf(graph, layer, 'float32');
  called = [];
  const answers = answersOf(graph, layer, 'int8');
  expect(called.at(-1)).toBe(kernel);
  expect(answers).toHaveLength(inFloats.length);
  const most = Math.max(...inFloats.map(Math.abs));
  const apart = answers.map((value, i) => Math.abs(value - (inFloats[i] as number)));
  if (!/int8/i.test(kernel)) expect(Math.max(...apart)).toBe(0);
  else {
    // A product of 48 numbers, each a 250th of its row's range off at most.
    expect(Math.max(...apart)).toBeLessThan(0.02 * most);
    expect(Math.max(...apart)).toBeGreaterThan(0);
  }
});

test('weights of 8 bits take a quarter of the memory', () => {
  const layer = { ...dense, kernel: [1024, 1024] };
  const bytesOf = (arithmetic: 'float32' | 'int8'): number => {
    const backend = tf.backend() as BackendWasm;
    const module = backend.wasm as unknown as { _malloc(bytes: number): number };
    const malloc = module._malloc;
    const kept: number[] = [];
    module._malloc = (bytes) => {
      kept.push(bytes);
      return malloc(bytes);
    };
    loadGraph(graphOf(layer), arithmetic).dispose();
    module._malloc = malloc;
    return Math.max(...kept);
  };
  expect(bytesOf('float32')).toBeLessThan(1.1 * 1024 * 1024);
  expect(bytesOf('int8')).toBeLessThan(1.1 * 1024 * 1024);
});

test.each([
  ['a filter of other channels', { input: [1, SIZE, SIZE, 47] }, 'gets 47 channels'],
  ['an activation with attributes of its own', { activation: 'LeakyRelu' }, 'fuses LeakyRelu'],
  ['an activation of no network', { activation: 'constructor' }, 'fuses constructor'],
  ['no dilations', { dilations: [] }, 'has 0 dilations, and needs 4'],
] as const)('refuses %s', (_, { activation, dilations, input }: Wrong, reason) => {
  const tensors = tf.memory().numTensors;
  const graph = graphOf({ ...pointwise, ...(activation && { activation }) });
  const list = { dilations: { list: { i: dilations ?? ['1', '1', '1', '1'] } } };
  const node = graph.topology.node.map((one) =>
    one.name === 'output' ? { ...one, attr: { ...one.attr, ...list } } : one,
  );
  expect(() => {
    const loaded = loadGraph({ ...graph, topology: { node } }, 'float32');
    try {
      tf.tidy(() => loaded.run(tf.zeros([...(input ?? [1, SIZE, SIZE, 48])])));
    } finally {
      loaded.dispose();
    }
  }).toThrow(reason);
  expect(tf.memory().numTensors).toBe(tensors);
});

interface Wrong {
  readonly activation?: string;
  readonly dilations?: readonly string[];
  readonly input?: readonly number[];
}

/** Deterministic numbers between −1 and 1. */
function wave(length: number): number[] {
  return Array.from({ length }, (_, i) => Math.sin(i * 1.7 + Math.floor(i / 7)));
}

function graphOf({ op, kernel, stride = 1, activation, quantization }: Layer): FoldedGraph {
  const length = kernel.reduce((product, side) => product * side, 1);
  const n = kernel.at(-1) as number;
  const values = wave(length);
  const bytes = quantization
    ? Uint8Array.from(values, (value) => 128 + Math.round(127 * value))
    : new Uint8Array(Float32Array.from(values).buffer);
  const bias = new Uint8Array(Float32Array.from(wave(n)).buffer);
  const text = (value: string) => ({ s: btoa(value) });
  const ops = ['BiasAdd', ...(activation ? [activation] : [])].map(btoa);
  return foldGraph({
    modelTopology: {
      node: [
        { name: 'input', op: 'Placeholder' },
        { name: 'kernel', op: 'Const' },
        { name: 'bias', op: 'Const' },
        {
          name: 'output',
          op,
          input: ['input', 'kernel', 'bias'],
          attr: {
            fused_ops: { list: { s: ops } },
            strides: { list: { i: ['1', `${stride}`, `${stride}`, '1'] } },
            dilations: { list: { i: ['1', '1', '1', '1'] } },
            padding: text('VALID'),
            data_format: text('NHWC'),
          },
        },
      ],
    },
    weightSpecs: [
      {
        name: 'kernel',
        shape: [...kernel],
        dtype: 'float32',
        ...(quantization && { quantization }),
      },
      { name: 'bias', shape: [n], dtype: 'float32' },
    ],
    weightData: [bytes.buffer, bias.buffer],
  });
}

function answersOf(folded: FoldedGraph, layer: Layer, arithmetic: 'float32' | 'int8'): number[] {
  const graph = loadGraph(folded, arithmetic);
  const channels = layer.kernel.at(-2) as number;
  const shape = layer.op === '_FusedMatMul' ? [5, channels] : [1, SIZE, SIZE, channels];
  const length = shape.reduce((product, side) => product * side, 1);
  const answers = tf.tidy(() => [...graph.run(tf.tensor(wave(length), shape)).dataSync()]);
  graph.dispose();
  return answers;
}
