import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { StoredWeight } from '../fold-constants.ts';
import { createWasmModule, type WasmModule } from '../tfjs-wasm-node.ts';
import { kernelsInHeap } from './cnn-kernels.ts';
import { composedKernels } from './composed-kernels.ts';
import { tensorOf, type WeightUse } from './dequantize.ts';
import { registerCnnKernels } from './register-cnn-kernels.ts';
import { watchedKernels } from './watched-kernels.ts';

const random = <R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number) =>
  tf.randomUniform<R>(shape, -1, 1, 'float32', seed);

type ConvolutionOptions = Partial<Parameters<typeof tf.fused.conv2d>[0]>;
type Shape4D = tf.ShapeMap['R4'];

const x = () => random<tf.Rank.R4>([2, 9, 10, 6], 1);
/** @param biases 0 for none */
const operands = (filter: Shape4D, biases: number) => ({
  x: x(),
  filter: random<tf.Rank.R4>(filter, 2),
  strides: 1,
  pad: 'same' as const,
  ...(biases > 0 && { bias: random<tf.Rank.R1>([biases], 3) }),
});
const conv2d = (filter: Shape4D, { bias, ...options }: ConvolutionOptions & { bias?: true }) =>
  tf.fused.conv2d({ ...operands(filter, bias ? filter[3] : 0), ...options });
type DepthwiseOptions = Partial<Parameters<typeof tf.fused.depthwiseConv2d>[0]>;
const depthwise = (filter: Shape4D, { bias, ...options }: DepthwiseOptions & { bias?: true }) =>
  tf.fused.depthwiseConv2d({
    ...operands(filter, bias ? filter[2] * filter[3] : 0),
    ...options,
  });
const dense = (b: [number, number], options: { activation?: 'relu'; transposeB?: boolean }) =>
  tf.fused.matMul({
    a: random<tf.Rank.R2>([3, 21], 1),
    b: random<tf.Rank.R2>(b, 2),
    bias: random<tf.Rank.R1>([10], 3),
    ...options,
  });
const whole = { strides: [1, 1], dilations: [1, 1], pad: 'same', dataFormat: 'NHWC' };
/** A pointwise convolution to `wide` channels, then a depthwise one. */
const expandedDepthwise = (wide: number, expansion: object, depthwise: object) =>
  tf.engine().runKernel(
    'ExpandedDepthwise',
    {
      x: x(),
      filter: random<tf.Rank.R4>([1, 1, 6, wide], 2),
      bias: random<tf.Rank.R1>([wide], 3),
      depthwiseFilter: random<tf.Rank.R4>([3, 3, wide, 1], 4),
      depthwiseBias: random<tf.Rank.R1>([wide], 5),
    },
    {
      expansion: { ...whole, activation: 'relu6', ...expansion },
      depthwise: { ...whole, activation: 'relu', ...depthwise },
    } as unknown as tf.NamedAttrMap,
  ) as tf.Tensor;
/** The same, and a pointwise one of it. */
const invertedResidual = (filter: tf.Tensor, projectionFilter: tf.Tensor, depthwise: object) => {
  const wide = filter.shape.at(-1) as number;
  return tf.engine().runKernel(
    'InvertedResidual',
    {
      x: x(),
      filter,
      bias: random<tf.Rank.R1>([wide], 3),
      depthwiseFilter: random<tf.Rank.R4>([3, 3, wide, 1], 4),
      depthwiseBias: random<tf.Rank.R1>([wide], 5),
      projectionFilter,
      projectionBias: random<tf.Rank.R1>([projectionFilter.shape.at(-1) as number], 6),
    },
    {
      expansion: { ...whole, activation: 'relu6' },
      depthwise: { ...whole, activation: 'relu6', ...depthwise },
      projection: whole,
    } as unknown as tf.NamedAttrMap,
  ) as tf.Tensor;
};
const pads: tf.backend_util.ExplicitPadding = [
  [0, 0],
  [1, 2],
  [3, 0],
  [0, 0],
];

/** With the kernel that computes it: one of ours, or tfjs-wasm's. */
const cases: readonly [name: string, kernel: string, run: () => tf.Tensor][] = [
  ['pointwise', 'multiply', () => conv2d([1, 1, 6, 13], {})],
  [
    'pointwise, ReLU6',
    'multiply',
    () => conv2d([1, 1, 6, 16], { bias: true, activation: 'relu6' }),
  ],
  ['pointwise, stride 2', 'convolve', () => conv2d([1, 1, 6, 5], { bias: true, strides: 2 })],
  ['padded pointwise', 'convolve', () => conv2d([1, 1, 6, 5], { pad: pads })],
  ['3×3', 'convolve', () => conv2d([3, 3, 6, 9], { bias: true, activation: 'relu' })],
  ['4×2, valid', 'convolve', () => conv2d([4, 2, 6, 9], { pad: 'valid', strides: [2, 1] })],
  ['explicit padding', 'convolve', () => conv2d([3, 3, 6, 4], { bias: true, pad: pads })],
  ['unfused', 'convolve', () => tf.conv2d(x(), random<tf.Rank.R4>([3, 3, 6, 4], 2), 2, 'same')],
  ['dilated', 'stock', () => conv2d([3, 3, 6, 4], { dilations: 2 })],
  [
    'convolution, sigmoid',
    'stock',
    () => conv2d([1, 1, 6, 4], { bias: true, activation: 'sigmoid' }),
  ],
  ['depthwise 3×3', 'convolveDepthwise', () => depthwise([3, 3, 6, 1], { bias: true })],
  ['depthwise 5×5', 'convolveDepthwise', () => depthwise([5, 5, 6, 1], { strides: 2 })],
  [
    'depthwise, padded',
    'convolveDepthwise',
    () => tf.depthwiseConv2d(x(), random<tf.Rank.R4>([3, 3, 6, 1], 2), 1, pads),
  ],
  [
    'unfused depthwise',
    'convolveDepthwise',
    () => tf.depthwiseConv2d(x(), random<tf.Rank.R4>([5, 5, 6, 1], 2), 1, 'valid'),
  ],
  ['expanded depthwise', 'convolveExpanded', () => expandedDepthwise(24, {}, {})],
  [
    'expanded depthwise, stride 2',
    'convolveExpanded',
    () => expandedDepthwise(8, { activation: 'linear' }, { strides: [2, 2], pad: 'valid' }),
  ],
  [
    'expanded depthwise, dilated twice',
    'stock',
    () => expandedDepthwise(8, { dilations: [2, 2] }, { dilations: [2, 2] }),
  ],
  ['depthwise, 2 wide', 'stock', () => depthwise([2, 2, 6, 1], {})],
  ['depthwise, 2 a channel', 'stock', () => depthwise([3, 3, 6, 2], { bias: true })],
  ['dense', 'multiply', () => dense([21, 10], { activation: 'relu' })],
  [
    'matrix product',
    'multiply',
    () => tf.matMul(random<tf.Rank.R3>([2, 3, 21], 1), random<tf.Rank.R2>([21, 10], 2)),
  ],
  [
    'matrix product, transposed',
    'stock',
    () => tf.matMul(random<tf.Rank.R2>([21, 3], 1), random<tf.Rank.R2>([21, 10], 2), true),
  ],
  ['dense, transposed', 'stock', () => dense([10, 21], { transposeB: true })],
  [
    'dense, a batch of products',
    'stock',
    () =>
      tf.fused.matMul({
        a: random<tf.Rank.R3>([2, 3, 21], 1),
        b: random<tf.Rank.R3>([2, 21, 10], 2),
      }),
  ],
  ['sum', 'add', () => tf.add(x(), random<tf.Rank.R4>([2, 9, 10, 6], 4))],
  ['sum, one for all', 'stock', () => tf.add(x(), random<tf.Rank.R1>([6], 4))],
  ['product', 'multiplyChannels', () => tf.mul(x(), random([2, 9, 10, 6], 4))],
  ['product of no values', 'multiplyChannels', () => tf.mul(tf.zeros([0, 6]), tf.zeros([0, 6]))],
  ['product, by channel', 'multiplyChannels', () => tf.mul(x(), random([2, 1, 1, 6], 4))],
  ['product, by channel, swapped', 'multiplyChannels', () => tf.mul(random([2, 1, 1, 6], 4), x())],
  ['product, one for all', 'stock', () => tf.mul(x(), random([6], 4))],
  ['product, one for all images', 'stock', () => tf.mul(x(), random([1, 1, 1, 6], 4))],
  ['product, by pixel', 'stock', () => tf.mul(x(), random([2, 9, 10, 1], 4))],
  ['product, each by each', 'stock', () => tf.mul(random([3, 1], 1), random([1, 3], 2))],
  [
    'product of integers',
    'stock',
    () => tf.mul(tf.fill([2, 5], 7, 'int32'), tf.range(0, 5, 1, 'int32')),
  ],
  ['sigmoid', 'sigmoid', () => tf.sigmoid(x())],
  ['sigmoid of no values', 'sigmoid', () => tf.sigmoid(tf.zeros([0]))],
  ['swish', 'swish', () => tf.engine().runKernel('Swish', { x: x() })],
  ['mean of the pixels', 'meanOfPixels', () => tf.mean(x(), [1, 2])],
  ['mean of the pixels, kept', 'meanOfPixels', () => tf.mean(x(), [2, -3], true)],
  ['mean of the rows', 'stock', () => tf.mean(x(), 1)],
];

const stock: Float32Array[] = [];
/** The kernels of ours that were called. */
let called: string[] = [];
let wasm: WasmModule;

beforeAll(async () => {
  wasm = await createWasmModule();
  const backend = new BackendWasm(wasm);
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => backend);
  for (const kernel of composedKernels('wasm')) tf.registerKernel(kernel);
  await tf.setBackend('wasm');
  for (const [, , run] of cases) stock.push(tf.tidy(() => run().dataSync<'float32'>()));
  const watched = watchedKernels((name) => called.push(name));
  registerCnnKernels(backend, kernelsInHeap(wasm, watched));
});

test.each(cases)('%s: by %s, and as before', (name, kernel, run) => {
  called = [];
  const tensors = tf.memory().numTensors;
  const result = tf.tidy(() => run().dataSync<'float32'>());
  expect(tf.memory().numTensors).toBe(tensors);
  const computing = called.filter((one) => !['panelBytes', 'packPanels'].includes(one));
  expect(computing).toEqual(kernel === 'stock' ? [] : [kernel]);
  const expected = stock[cases.findIndex(([one]) => one === name)] as Float32Array;
  expect(result).toHaveLength(expected.length);
  result.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 5);
  });
});

test('an expanded depthwise convolution of few channels is computed by two of our kernels', () => {
  called = [];
  tf.tidy(() => expandedDepthwise(9, {}, {}));
  expect(called).toEqual(['panelBytes', 'packPanels', 'multiply', 'convolveDepthwise']);
});

test('an inverted residual of float32 weights is computed by two of our kernels', () => {
  called = [];
  const filters = [random([1, 1, 6, 32], 2), random([1, 1, 32, 7], 7)] as const;
  tf.tidy(() => invertedResidual(...filters, {}));
  expect(called.filter((name) => !name.startsWith('pa'))).toEqual(['convolveExpanded', 'multiply']);
});

/** Counts the blocks of memory that are taken from now on, and not given back. */
function heldBlocks() {
  const { _malloc, _free } = wasm;
  const blocks = new Set<number>();
  wasm._malloc = (bytes) => {
    const at = _malloc(bytes);
    blocks.add(at);
    return at;
  };
  wasm._free = (at) => {
    blocks.delete(at);
    _free(at);
  };
  onTestFinished(() => void Object.assign(wasm, { _malloc, _free }));
  return { held: () => blocks.size };
}

const inCodes = ['quantizeRows', 'convolveCodes', 'multiplyCodes'];
const inParts = ['multiplyInt8', 'convolveDepthwise', 'multiplyInt8'];

test.each([
  { filter: [1, 1, 6, 32], how: {}, kernels: inCodes },
  { filter: [1, 1, 6, 32], how: { strides: [2, 2], pad: 'valid' }, kernels: inCodes },
  { filter: [1, 1, 6, 32], how: { pad: 'valid' }, kernels: inParts },
  { filter: [1, 1, 6, 24], how: {}, kernels: inParts },
  { filter: [3, 3, 6, 32], how: {}, kernels: ['quantizePatches', ...inCodes.slice(1)] },
  { filter: [3, 3, 6, 24], how: {}, kernels: ['convolve', ...inParts.slice(1)] },
])(
  'an inverted residual of 8 bits with a filter $filter, $how, is near that of float32',
  ({ filter, how, kernels }) => {
    const weight = (shape: number[], seed: number): StoredWeight => {
      const length = shape.reduce((product, side) => product * side, 1);
      const bytes = Uint8Array.from({ length }, (_, i) => 1 + ((i * seed) % 255));
      const scale = 1 / 254;
      const all = {
        name: '',
        dtype: 'float32',
        format: 'uint8',
        factors: Float32Array.of(1),
      } as const;
      return { ...all, shape, bytes, scale, min: -128 * scale };
    };
    const weights = [weight(filter, 7919), weight([1, 1, filter.at(-1) as number, 7], 6007)];
    const run = (use: WeightUse) =>
      tf.tidy(() => {
        const [first, last] = weights.map((one) => tensorOf(one, use)) as [tf.Tensor, tf.Tensor];
        return invertedResidual(first, last, how).dataSync<'float32'>();
      });
    const expected = run('values');
    called = [];
    const before = tf.memory().numTensors;
    const blocks = heldBlocks();
    const result = run('int8 residual');
    expect(tf.memory().numTensors).toBe(before);
    expect(blocks.held()).toBe(0);
    const computing = called.filter((name) => !/^(pack|hasDot)|Bytes$/.test(name));
    expect(computing).toEqual(kernels);
    // Sums of 32 codes, of which each is off by half a 127th of six.
    result.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(0.25);
    });
    expect(Math.max(...result) - Math.min(...result)).toBeGreaterThan(3);
  },
);

test('a filter is packed once, and never used when it has changed', () => {
  const input = tf.ones<tf.Rank.R4>([1, 2, 2, 3]);
  const variable = tf.variable(tf.fill<tf.Rank.R4>([1, 1, 3, 4], 1));
  const sum = () => tf.tidy(() => tf.conv2d(input, variable, 1, 'same').dataSync()[0]);
  called = [];
  expect([sum(), sum()]).toEqual([3, 3]);
  expect(called).toEqual(['panelBytes', 'packPanels', 'multiply', 'multiply']);
  variable.assign(tf.fill([1, 1, 3, 4], 2));
  expect(sum()).toBe(6);
  // Another shape of the same data is another matrix.
  const reshaped = tf.reshape<tf.Rank.R2>(variable, [2, 6]);
  const product = tf.fused.matMul({ a: tf.ones<tf.Rank.R2>([1, 2]), b: reshaped });
  expect([...product.dataSync()]).toEqual([4, 4, 4, 4, 4, 4]);
  expect(sum()).toBe(6);
});

test('memory does not grow with the number of filters or calls', () => {
  const input = random<tf.Rank.R4>([1, 32, 32, 64], 1);
  const run = (): number => {
    for (let i = 0; i < 50; i++) {
      tf.tidy(() => {
        tf.conv2d(input, random<tf.Rank.R4>([1, 1, 64, 640], i), 1, 'same');
        tf.conv2d(input, random<tf.Rank.R4>([3, 3, 64, 64], i), 2, 'same');
        tf.depthwiseConv2d(input, random<tf.Rank.R4>([5, 5, 64, 1], i), 1, 'same');
      });
    }
    return wasm.HEAPU8.length;
  };
  const before = run();
  // 150 packed filters of this size would take 16 MB.
  expect([run(), run()]).toEqual([before, before]);
});
