import * as tf from '@tensorflow/tfjs-core';
import type { GraphOperation } from 'shared/graph-operations';
import type { NodeReader } from './read-node.ts';

/** Computes a node's outputs from its tensors. */
export type Compute = (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** What each operation computes; its attributes are read once. */
export const operations: Readonly<
  Record<Exclude<GraphOperation, 'Const' | 'Placeholder'>, (node: NodeReader) => Compute>
> = {
  AddN:
    () =>
    (...terms) =>
      tf.addN(terms),
  AddV2: () => tf.add,
  AvgPool: (node) => (x) => tf.avgPool(x as tf.Tensor4D, ...windowOf(node)),
  ConcatV2: ({ integers }) => {
    const axis = scalarOf(integers[0]);
    return (...parts) => tf.concat(parts, axis);
  },
  FusedDepthwiseConv2dNative: (node) => {
    const attributes = convolutionOf(node);
    return (x, filter, bias) =>
      tf.fused.depthwiseConv2d({ ...attributes, ...convolvedBy(x, filter, bias) });
  },
  Identity: () => tf.clone,
  LRN: (node) => {
    const radius = node.number('depth_radius');
    const [bias, alpha, beta] = ['bias', 'alpha', 'beta'].map(node.number) as Numbers<3>;
    return (x) => tf.localResponseNormalization(x as tf.Tensor4D, radius, bias, alpha, beta);
  },
  Max: (node) => (x) => tf.max(x, node.integers[0], node.flag('keep_dims')),
  MaxPool: (node) => (x) => tf.maxPool(x as tf.Tensor4D, ...windowOf(node)),
  Mean: (node) => (x) => tf.mean(x, node.integers[0], node.flag('keep_dims')),
  Mul: () => tf.mul,
  Pad: ({ integers: [amounts = []] }) => {
    const paddings = Array.from(
      { length: amounts.length / 2 },
      (_, side) => amounts.slice(2 * side, 2 * side + 2) as Numbers<2>,
    );
    return (x) => tf.pad(x, paddings);
  },
  Relu: () => tf.relu,
  Relu6: () => tf.relu6,
  Reshape:
    ({ integers: [shape = []] }) =>
    (x) =>
      tf.reshape(x, shape),
  Sigmoid: () => tf.sigmoid,
  Softmax: () => (logits) => tf.softmax(logits),
  Split: (node) => {
    const count = node.number('num_split');
    const axis = scalarOf(node.integers[0]);
    return (x) => tf.split(x, count, axis);
  },
  StridedSlice: (node) => {
    const [begin, end, strides] = node.integers as [number[], number[], number[]];
    const masks = ['begin_mask', 'end_mask'].map(node.number) as Numbers<2>;
    return (x) => tf.stridedSlice(x, begin, end, strides, ...masks);
  },
  Tanh: () => tf.tanh,
  _FusedConv2D: (node) => {
    const attributes = convolutionOf(node);
    return (x, filter, bias) => tf.fused.conv2d({ ...attributes, ...convolvedBy(x, filter, bias) });
  },
  _FusedMatMul: (node) => {
    const activation = activationOf(node);
    const [transposeA, transposeB] = ['transpose_a', 'transpose_b'].map(node.flag);
    return (a, b, bias) =>
      tf.fused.matMul({ a, b, bias, activation, transposeA, transposeB } as MatMulConfig);
  },
};

type Numbers<Length extends 2 | 3> = Length extends 2 ? [number, number] : [number, number, number];

type MatMulConfig = Parameters<typeof tf.fused.matMul>[0];

function scalarOf(values: readonly number[] | undefined): number {
  return values?.[0] ?? 0;
}

/** Rows and columns of what is given for batch, rows, columns and channels. */
function sidesOf(list: readonly number[]): Numbers<2> {
  return list.slice(1, 3) as Numbers<2>;
}

function paddingOf(node: NodeReader): 'same' | 'valid' {
  return node.text('padding').toLowerCase() as 'same' | 'valid';
}

function windowOf(node: NodeReader) {
  return [
    sidesOf(node.numbers('ksize')),
    sidesOf(node.numbers('strides')),
    paddingOf(node),
  ] as const;
}

function convolutionOf(node: NodeReader) {
  return {
    strides: sidesOf(node.numbers('strides')),
    pad: paddingOf(node),
    dataFormat: 'NHWC',
    dilations: sidesOf(node.numbers('dilations')),
    activation: activationOf(node),
  } as const;
}

/** TensorFlow's names but for the capitals are tfjs'. */
export function activationOf(node: NodeReader): tf.fused.Activation {
  const [name] = node.texts('fused_ops').filter((part) => part !== 'BiasAdd');
  return (name?.toLowerCase() ?? 'linear') as tf.fused.Activation;
}

function convolvedBy(x?: tf.Tensor, filter?: tf.Tensor, bias?: tf.Tensor) {
  return { x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, bias: bias as tf.Tensor1D };
}
