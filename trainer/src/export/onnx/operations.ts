import { type StoredWeight, valuesOf } from 'shared/inference/fold-constants';
import { activationOf, type GraphOperation } from 'shared/inference/graph/operations';
import type { NodeReader } from 'shared/inference/graph/read-node';
import type { OnnxKernelFormat } from '../../config/quantizations.ts';
import type { Attribute } from './messages.ts';
import type { OnnxBuilder } from './onnx-builder.ts';
import {
  convolutionLayout,
  depthwiseLayout,
  type Layout,
  matrixLayout,
  writeBias,
  writeWeight,
} from './write-weight.ts';

/**
 * How a value's dimensions lie: `image`, `[n, height, width, channels]` in the graph and `[n, channels, height,
 * width]` in ONNX; or `list`, `[n, values]` in both.
 */
export type ValueLayout = 'image' | 'list';

interface Context {
  readonly graph: OnnxBuilder;
  readonly kernels: OnnxKernelFormat;
  layoutOf(value: string): ValueLayout;
  /** The step of a value in 8 bits. */
  scaleOf(value: string): number | undefined;
  /** A constant of the graph. */
  weightOf(name: string): StoredWeight | undefined;
}

/** Writes the nodes that compute a node of a graph, under its name, and says how its outputs lie. */
type Convert = (node: NodeReader, context: Context) => ValueLayout;

/** Of each operation, its nodes in ONNX. */
export const conversions: Readonly<
  Record<Exclude<GraphOperation, 'Const' | 'Placeholder'>, Convert>
> = {
  AddN: (node, context) => elementwise('Sum', node, context),
  AddV2: (node, context) => elementwise('Add', node, context),
  AvgPool: (node, context) => pool('AveragePool', node, context),
  ConcatV2: (node, { graph, layoutOf }) => {
    const layout = layoutOf(node.tensors[0] as string);
    graph.node('Concat', node.tensors, node.name, { axis: axisOf(node.integers[0]?.[0], layout) });
    return layout;
  },
  FusedDepthwiseConv2dNative: (node, context) => convolve(node, context, true),
  Identity: (node, context) => elementwise('Identity', node, context),
  LRN: ({ name, tensors, number }, { graph }) => {
    // TensorFlow multiplies the sum by alpha, ONNX the mean (Krizhevsky et al. 2012, §3.3, has the sum).
    const size = 2 * number('depth_radius') + 1;
    graph.node('LRN', tensors, name, {
      size,
      alpha: { float: number('alpha') * size },
      beta: { float: number('beta') },
      bias: { float: number('bias') },
    });
    return 'image';
  },
  Max: (node, context) => reduce('GlobalMaxPool', node, context),
  MaxPool: (node, context) => pool('MaxPool', node, context),
  Mean: (node, context) => reduce('GlobalAveragePool', node, context),
  Mul: (node, context) => elementwise('Mul', node, context),
  Pad: ({ name, tensors, integers: [amounts = []] }, { graph }) => {
    const [, , top, bottom, left, right] = amounts as Six;
    const pads = graph.integers(`${name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
    graph.node('Pad', [...tensors, pads], name);
    return 'image';
  },
  Relu: (node, context) => elementwise('Relu', node, context),
  Relu6: ({ name, tensors }, { graph, layoutOf }) => {
    clip(graph, tensors[0] as string, name);
    return layoutOf(tensors[0] as string);
  },
  Reshape: ({ name, tensors: [input = ''], integers: [shape = []] }, { graph, layoutOf }) => {
    const from = layoutOf(input);
    const to: ValueLayout = shape.length === 4 ? 'image' : 'list';
    // Values follow each other as in the graph: channels last.
    const last =
      from === 'image' ? graph.node('Transpose', [input], `${name}/from`, { perm: LAST }) : input;
    const target = graph.integers(`${name}/shape`, shape);
    const reshaped = graph.node('Reshape', [last, target], to === 'image' ? `${name}/to` : name);
    if (to === 'image') graph.node('Transpose', [reshaped], name, { perm: FIRST });
    return to;
  },
  Rsqrt: ({ name, tensors }, { graph, layoutOf }) => {
    graph.node('Reciprocal', [graph.node('Sqrt', tensors, `${name}/root`)], name);
    return layoutOf(tensors[0] as string);
  },
  Sigmoid: (node, context) => elementwise('Sigmoid', node, context),
  Softmax: ({ name, tensors }, { graph }) => {
    graph.node('Softmax', tensors, name, { axis: 1 });
    return 'list';
  },
  Split: ({ name, tensors: [input = ''], integers, number }, { graph, layoutOf }) => {
    const layout = layoutOf(input);
    const count = number('num_split');
    const parts = Array.from({ length: count }, (_, part) => (part > 0 ? `${name}:${part}` : name));
    const axis = axisOf(integers[0]?.[0], layout);
    graph.node('Split', [input], parts, { axis, num_outputs: count });
    return layout;
  },
  StridedSlice: ({ name, tensors, integers: [begin = [], end = []], number }, { graph }) => {
    // A bit of a mask leaves its dimension uncut.
    const masked = (values: readonly number[], mask: number, otherwise: number) =>
      [1, 2].map((axis) => (mask & (1 << axis) ? otherwise : (values[axis] as number)));
    graph.node(
      'Slice',
      [
        ...tensors,
        graph.integers(`${name}/starts`, masked(begin, number('begin_mask'), 0)),
        graph.integers(`${name}/ends`, masked(end, number('end_mask'), 2 ** 31 - 1)),
        graph.integers(`${name}/axes`, [2, 3]),
      ],
      name,
    );
    return 'image';
  },
  Tanh: (node, context) => elementwise('Tanh', node, context),
  _FusedConv2D: (node, context) => convolve(node, context, false),
  _FusedMatMul: (node, context) => {
    const { graph } = context;
    const inputs = productOf(node, context, matrixLayout);
    writeActivated(graph, node, 'Gemm', inputs, {
      transA: Number(node.flag('transpose_a')),
      transB: Number(node.flag('transpose_b')),
    });
    return 'list';
  },
};

type Six = [number, number, number, number, number, number];
const FIRST = [0, 3, 1, 2];
const LAST = [0, 2, 3, 1];

function elementwise(
  operation: string,
  { name, tensors }: NodeReader,
  { graph, layoutOf, weightOf }: Context,
): ValueLayout {
  const value = tensors.find((input) => weightOf(input) === undefined) as string;
  const layout = layoutOf(value);
  const inputs = tensors.map((input) => {
    const weight = weightOf(input);
    if (weight === undefined) return input;
    // One for each channel, which is not the last dimension of an image.
    const isVector = weight.shape.length === 1 && layout === 'image';
    const shape = isVector ? [...weight.shape, 1, 1] : weight.shape;
    return writeVector(graph, { ...weight, shape });
  });
  graph.node(operation, inputs, name);
  return layout;
}

function convolve(node: NodeReader, context: Context, isDepthwise: boolean): ValueLayout {
  const { graph, weightOf } = context;
  const weight = expectWeight(weightOf(node.tensors[1] as string), node);
  const inputs = productOf(node, context, isDepthwise ? depthwiseLayout : convolutionLayout);
  writeActivated(graph, node, 'Conv', inputs, {
    kernel_shape: weight.shape.slice(0, 2),
    strides: node.numbers('strides').slice(1, 3),
    dilations: node.numbers('dilations').slice(1, 3),
    auto_pad: autoPad(node),
    group: isDepthwise ? (weight.shape[2] as number) : 1,
  });
  return 'image';
}

function pool(operation: string, node: NodeReader, { graph }: Context): ValueLayout {
  graph.node(operation, node.tensors, node.name, {
    kernel_shape: node.numbers('ksize').slice(1, 3),
    strides: node.numbers('strides').slice(1, 3),
    auto_pad: autoPad(node),
  });
  return 'image';
}

/** Over rows and columns, as all of the trainer's are. */
function reduce(operation: string, node: NodeReader, { graph }: Context): ValueLayout {
  const keeps = node.flag('keep_dims');
  const pooled = graph.node(operation, node.tensors, keeps ? node.name : `${node.name}/pooled`);
  if (keeps) return 'image';
  graph.node('Flatten', [pooled], node.name);
  return 'list';
}

/** Input, kernel and bias of a product. */
function productOf(
  node: NodeReader,
  { graph, kernels, weightOf, scaleOf }: Context,
  layout: Layout,
): [input: string, kernel: string, bias: string] {
  const [input, kernelName, biasName] = node.tensors as [string, string, string];
  const kernel = expectWeight(weightOf(kernelName), node);
  const bias = expectWeight(weightOf(biasName), node);
  const inputStep = scaleOf(input);
  return [
    input,
    writeWeight(graph, kernel, layout, kernels),
    inputStep === undefined
      ? writeVector(graph, bias)
      : writeBias(graph, bias, { kernel, layout, inputStep }),
  ];
}

/** Writes a product, and what its fused operation applies to it. */
function writeActivated(
  graph: OnnxBuilder,
  node: NodeReader,
  operation: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
): void {
  const { name } = node;
  const activation = activationOf(node);
  const product = activation === 'linear' ? name : `${name}/product`;
  graph.node(operation, inputs, product, attributes);
  if (activation === 'relu') graph.node('Relu', [product], name);
  if (activation === 'relu6') clip(graph, product, name);
}

function clip(graph: OnnxBuilder, input: string, output: string): void {
  const limits = [0, 6].map((limit) => graph.floats(`${output}/${limit}`, [], [limit]));
  graph.node('Clip', [input, ...limits], output);
}

function writeVector(graph: OnnxBuilder, weight: StoredWeight): string {
  const { name, shape } = weight;
  return graph.constant(name, { type: 'float32', shape, data: valuesOf(weight) });
}

function expectWeight(weight: StoredWeight | undefined, { name }: NodeReader): StoredWeight {
  if (weight) return weight;
  throw new Error(`The model's ${name} has a kernel that is computed, which no trainer writes.`);
}

function autoPad({ text }: NodeReader): string {
  return text('padding').toUpperCase() === 'SAME' ? 'SAME_UPPER' : 'VALID';
}

/** Of the channels, or of the values. */
function axisOf(axis: number | undefined, layout: ValueLayout): number {
  if (layout === 'list') return axis ?? 1;
  return FIRST.indexOf(axis ?? 3);
}
