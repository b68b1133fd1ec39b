import type { io } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import {
  type FoldedGraph,
  foldGraph,
  rowsTimes,
  type StoredWeight,
  valuesOf,
} from './fold-constants.ts';

const MUL = { op: 'Mul', attr: { T: { type: 'DT_FLOAT' } } };

interface Weight {
  readonly spec: io.WeightsManifestEntry;
  readonly bytes: Uint8Array;
}

/** 8-bit steps whose values are `step · 0.5 − 1`. */
function steps(name: string, shape: number[], values: number[]): Weight {
  const quantization = { dtype: 'uint8', scale: 0.5, min: -1 } as const;
  return { spec: { name, shape, dtype: 'float32', quantization }, bytes: Uint8Array.from(values) };
}

function floats(name: string, shape: number[], values: number[]): Weight {
  return {
    spec: { name, shape, dtype: 'float32' },
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  };
}

function graph(weights: readonly Weight[], nodes: readonly object[]): io.ModelArtifacts {
  const constants = weights.map(({ spec }) => ({ name: spec.name, op: 'Const' }));
  return {
    modelTopology: { node: [{ name: 'x', op: 'Placeholder' }, ...constants, ...nodes] },
    weightSpecs: weights.map(({ spec }) => spec),
    weightData: Uint8Array.from(weights.flatMap(({ bytes }) => [...bytes])).buffer,
  };
}

function nodesOf({ topology }: FoldedGraph): readonly { name: string; op: string }[] {
  return topology.node;
}

function specsOf({ weights }: FoldedGraph): object[] {
  return weights.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
}

function numbersOf({ weights }: FoldedGraph): number[][] {
  return weights.map((weight) => [...valuesOf(weight)]);
}

test('computes the product of an 8-bit kernel and its scales', () => {
  const folded = foldGraph(
    graph(
      // The three bytes make every tensor after them unaligned.
      [
        steps('kernel', [1, 3], [0, 2, 255]),
        floats('scale', [3], [2, 4, 0.25]),
        floats('bias', [3], [5, 6, 7]),
      ],
      [
        { name: 'product', ...MUL, input: ['kernel', 'scale'] },
        { name: 'y', op: '_FusedMatMul', input: ['x', 'product', 'bias'] },
      ],
    ),
  );
  expect(nodesOf(folded).map(({ name, op }) => [name, op])).toEqual([
    ['x', 'Placeholder'],
    ['bias', 'Const'],
    ['product', 'Const'],
    ['y', '_FusedMatMul'],
  ]);
  expect(specsOf(folded)).toEqual([
    { name: 'bias', shape: [3], dtype: 'float32' },
    { name: 'product', shape: [1, 3], dtype: 'float32' },
  ]);
  expect(numbersOf(folded)).toEqual([
    [5, 6, 7],
    [-2, 0, 126.5 * 0.25],
  ]);
});

test('repeats the scales of a depthwise kernel, [channels, 1], over its window', () => {
  const folded = foldGraph(
    graph(
      [steps('kernel', [2, 1, 3, 1], [4, 4, 4, 6, 8, 10]), floats('scale', [3, 1], [1, 2, 3])],
      [
        { name: 'product', ...MUL, input: ['kernel', 'scale'] },
        { name: 'y', op: 'FusedDepthwiseConv2dNative', input: ['x', 'product'] },
      ],
    ),
  );
  expect(folded.weights[0]?.shape).toEqual([2, 1, 3, 1]);
  expect(numbersOf(folded)).toEqual([[1, 2, 3, 2, 6, 12]]);
});

test('computes a product of products', () => {
  const folded = foldGraph(
    graph(
      [
        steps('kernel', [1, 3], [0, 2, 255]),
        floats('scale', [3], [2, 4, 0.25]),
        floats('half', [1], [0.5]),
      ],
      [
        { name: 'product', ...MUL, input: ['kernel', 'scale'] },
        { name: 'halved', ...MUL, input: ['product', 'half'] },
        { name: 'y', op: '_FusedMatMul', input: ['x', 'halved'] },
      ],
    ),
  );
  expect(specsOf(folded)).toEqual([{ name: 'halved', shape: [1, 3], dtype: 'float32' }]);
  expect(numbersOf(folded)).toEqual([[-1, 0, 126.5 * 0.125]]);
});

test.each([
  ['the first dimension', [2, 2], [2, 1]],
  ['the other operand', [2], [3, 2]],
])('leaves a product to the program whose second factor is for %s', (_, first, second) => {
  const sizeOf = (shape: number[]) => shape.reduce((product, side) => product * side, 1);
  const folded = foldGraph(
    graph(
      [
        floats('a', first, Array(sizeOf(first)).fill(2)),
        floats('b', second, Array(sizeOf(second)).fill(3)),
      ],
      [
        { name: 'product', ...MUL, input: ['a', 'b'] },
        { name: 'y', op: 'AddV2', input: ['x', 'product'] },
      ],
    ),
  );
  expect(folded.weights.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('keeps a constant that another node still reads', () => {
  const folded = foldGraph(
    graph(
      [floats('kernel', [2], [1, 2]), floats('scale', [2], [3, 4])],
      [
        { name: 'product', ...MUL, input: ['kernel', 'scale'] },
        { name: 'y', op: 'AddV2', input: ['product', 'scale'] },
      ],
    ),
  );
  expect(folded.weights.map(({ name }) => name)).toEqual(['scale', 'product']);
});

test('takes weights out of any number of buffers, and says where they end too early', () => {
  const weights = [floats('a', [2], [1, 2]), floats('b', [2], [3, 4]), floats('c', [1], [5])];
  const whole = graph(weights, [{ name: 'y', op: 'AddN', input: ['a', 'b', 'c', 'x'] }]);
  const bytes = new Uint8Array(whole.weightData as ArrayBuffer);
  for (const cuts of [[], [8], [8, 16], [3], [3, 5, 5, 17], [0, 20]]) {
    const weightData = [0, ...cuts].map((cut, i) => bytes.slice(cut, cuts[i]).buffer);
    expect(numbersOf(foldGraph({ ...whole, weightData })), `${cuts}`).toEqual([
      [1, 2],
      [3, 4],
      [5],
    ]);
  }
  const weightData = [bytes.slice(0, 10).buffer, bytes.slice(10, 19).buffer];
  expect(() => foldGraph({ ...whole, weightData })).toThrow('The weights end before');
});

test('only dequantizes a graph without a product of constants', () => {
  const artifacts = graph(
    [
      steps('kernel', [2, 2], [1, 2, 3, 4]),
      { spec: { name: 'axes', shape: [1], dtype: 'int32' }, bytes: Uint8Array.of(1, 0, 0, 0) },
    ],
    [
      { name: 'scaled', ...MUL, input: ['x', 'kernel'] },
      { name: 'y', op: 'Mean', input: ['scaled', 'axes'] },
    ],
  );
  const folded = foldGraph(artifacts);
  expect(folded.topology).toEqual(artifacts.modelTopology);
  expect(specsOf(folded)).toEqual([
    { name: 'kernel', shape: [2, 2], dtype: 'float32' },
    { name: 'axes', shape: [1], dtype: 'int32' },
  ]);
  expect(folded.weights.map(valuesOf)).toEqual([
    Float32Array.of(-0.5, 0, 0.5, 1),
    Int32Array.of(1),
  ]);
});

test.each([
  ['uint16', Uint16Array.of(0, 3, 65_535), [-1, 0.5, 32_766.5]],
  ['float16', Float16Array.of(-1, 0.5, 2048), [-1, 0.5, 2048]],
] as const)('reads %s after an odd number of bytes', (dtype, values, expected) => {
  const scaling = dtype === 'uint16' ? { scale: 0.5, min: -1 } : {};
  const spec = {
    name: 'kernel',
    shape: [3],
    dtype: 'float32',
    quantization: { dtype, ...scaling },
  };
  const folded = foldGraph(
    graph(
      [
        steps('odd', [1], [2]),
        { spec: spec as io.WeightsManifestEntry, bytes: new Uint8Array(values.buffer) },
      ],
      [{ name: 'y', op: 'Select', input: ['x', 'odd', 'kernel'] }],
    ),
  );
  expect(numbersOf(folded)).toEqual([[0], expected]);
});

test('does not write into what it is given', () => {
  const artifacts = graph(
    [floats('kernel', [2], [1, 2]), floats('scale', [2], [3, 4])],
    [
      { name: 'product', ...MUL, input: ['kernel', 'scale'] },
      { name: 'y', op: 'AddV2', input: ['x', 'product'] },
    ],
  );
  const before = structuredClone(artifacts);
  foldGraph(artifacts);
  expect(artifacts).toEqual(before);
});

test.each([1, 4, 6])('multiplies each of %i rows by a vector, and by its own factor', (count) => {
  const values = Array.from({ length: count * 3 }, (_, at) => at);
  const kernel = steps('kernel', [count, 3], values);
  const { weights } = foldGraph(
    graph(
      [kernel, floats('scale', [3], [1, 2, 4])],
      [
        { name: 'product', ...MUL, input: ['kernel', 'scale'] },
        { name: 'y', op: '_FusedMatMul', input: ['x', 'product'] },
      ],
    ),
  );
  const vector = Float32Array.of(3, 0, -1);
  // Every third row is 0.
  const factors = Float32Array.from({ length: count }, (_, row) => (row + 1) % 3);
  const expected = [...factors].map(
    (factor, row) => factor && factor * (3 * (row * 1.5 - 1) - 4 * ((row * 3 + 2) * 0.5 - 1)),
  );
  expect([...rowsTimes(weights[0] as StoredWeight, vector, factors)]).toEqual(expected);
});
