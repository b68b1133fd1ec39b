import { engine, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import { clamps } from '../kernels/cnn-kernels.ts';
import type { NodeReader } from './read-node.ts';

/** Computes a node's outputs from its tensors. */
export type Compute = (...tensors: Tensor[]) => Tensor | Tensor[];

const expandedInputs = ['x', 'filter', 'bias', 'depthwiseFilter', 'depthwiseBias'];

/**
 * What each operation computes; its attributes are read once. These are tfjs' kernels themselves: its
 * functions around them make gradients ready, at each call and in each bundle.
 */
export const operations = {
  AddN: () => kernelOfAll('AddN'),
  AddV2: () => kernel('Add', ['a', 'b']),
  AvgPool: (node) => kernel('AvgPool', ['x'], poolOf(node)),
  ConcatV2: ({ integers }) => kernelOfAll('Concat', { axis: scalarOf(integers[0]) }),
  ExpandedDepthwise(node) {
    const expansion = node.expansion as NodeReader;
    const attributes = { expansion: convolutionOf(expansion), depthwise: convolutionOf(node) };
    const compute = kernel('ExpandedDepthwise', expandedInputs, attributes);
    return (...tensors) => {
      const [x, filter, , depthwiseFilter] = tensors;
      refuseMismatch(expansion, x?.shape.at(-1), filter?.shape[2]);
      refuseMismatch(node, filter?.shape[3], depthwiseFilter?.shape[2]);
      return compute(...tensors);
    };
  },
  FusedDepthwiseConv2dNative: (node) => convolve('FusedDepthwiseConv2D', node),
  Identity: () => kernel('Identity', ['x']),
  InvertedResidual(node) {
    const expanded = node.expanded as NodeReader;
    const expansion = expanded.expansion as NodeReader;
    const inputs = [...expandedInputs, 'projectionFilter', 'projectionBias'];
    const compute = kernel('InvertedResidual', inputs, {
      expansion: convolutionOf(expansion),
      depthwise: convolutionOf(expanded),
      projection: convolutionOf(node),
    });
    return (...tensors) => {
      const [x, filter, , depthwiseFilter, , projectionFilter] = tensors;
      refuseMismatch(expansion, x?.shape.at(-1), filter?.shape[2]);
      refuseMismatch(expanded, filter?.shape[3], depthwiseFilter?.shape[2]);
      refuseMismatch(node, depthwiseFilter?.shape[2], projectionFilter?.shape[2]);
      return compute(...tensors);
    };
  },
  LRN: ({ number }) =>
    kernel('LRN', ['x'], {
      depthRadius: number('depth_radius'),
      bias: number('bias'),
      alpha: number('alpha'),
      beta: number('beta'),
    }),
  Max: ({ integers: [axes], flag }) =>
    kernel('Max', ['x'], { reductionIndices: axes, keepDims: flag('keep_dims') }),
  MaxPool: (node) => kernel('MaxPool', ['x'], poolOf(node)),
  Mean: ({ integers: [axes], flag }) =>
    kernel('Mean', ['x'], { axis: axes, keepDims: flag('keep_dims') }),
  Mul: () => kernel('Multiply', ['a', 'b']),
  Pad: ({ integers: [amounts = []] }) =>
    kernel('PadV2', ['x'], { paddings: pairsOf(amounts), constantValue: 0 }),
  Relu: () => kernel('Relu', ['x']),
  Relu6: () => kernel('Relu6', ['x']),
  Reshape: ({ integers: [shape] }) => kernel('Reshape', ['x'], { shape }),
  Rsqrt: () => kernel('Rsqrt', ['x']),
  Sigmoid: () => kernel('Sigmoid', ['x']),
  Softmax: () => (logits) => run('Softmax', { logits }, { dim: logits.rank - 1 }),
  Split: ({ integers, number }) =>
    kernel('SplitV', ['x'], {
      numOrSizeSplits: number('num_split'),
      axis: scalarOf(integers[0]),
    }),
  StridedSlice: ({ integers: [begin, end, strides], number }) =>
    kernel('StridedSlice', ['x'], {
      begin,
      end,
      strides,
      beginMask: number('begin_mask'),
      endMask: number('end_mask'),
      ellipsisMask: number('ellipsis_mask'),
      newAxisMask: number('new_axis_mask'),
      shrinkAxisMask: number('shrink_axis_mask'),
    }),
  Swish: () => kernel('Swish', ['x']),
  Tanh: () => kernel('Tanh', ['x']),
  _FusedConv2D: (node) => convolve('FusedConv2D', node),
  _FusedMatMul: (node) => {
    const multiply = kernel('_FusedMatMul', ['a', 'b', 'bias'], {
      transposeA: node.flag('transpose_a'),
      transposeB: node.flag('transpose_b'),
      activation: activationOf(node),
    });
    // The kernel is for batches of matrices.
    return (a, b, ...bias) => {
      refuseMismatch(node, a.shape.at(-1), b.shape[0]);
      const product = multiply(reshape(a, [1, ...a.shape]), reshape(b, [1, ...b.shape]), ...bias);
      return reshape(product as Tensor, (product as Tensor).shape.slice(1));
    };
  },
} satisfies Readonly<Record<string, (node: NodeReader) => Compute>>;

/** What fusing makes of several nodes; no file has it. */
type FusedOperation = 'ExpandedDepthwise' | 'InvertedResidual' | 'Swish';

/** The operations that the trainer's graphs are made of, by TensorFlow's names. */
export type GraphOperation =
  | Exclude<keyof typeof operations, FusedOperation>
  | 'Const'
  | 'Placeholder';

const FUSED: Readonly<Record<FusedOperation, true>> = {
  ExpandedDepthwise: true,
  InvertedResidual: true,
  Swish: true,
};

export const graphOperations: readonly GraphOperation[] = [
  'Const',
  'Placeholder',
  ...Object.keys(operations).filter((name): name is GraphOperation => !(name in FUSED)),
];

/** The tfjs kernels that the operations call: a backend without one of them cannot run a graph. */
export type TfjsKernel =
  | 'Add'
  | 'AddN'
  | 'AvgPool'
  | 'Concat'
  | 'FusedConv2D'
  | 'FusedDepthwiseConv2D'
  | 'Identity'
  | 'LRN'
  | 'Max'
  | 'MaxPool'
  | 'Mean'
  | 'Multiply'
  | 'PadV2'
  | 'Relu'
  | 'Relu6'
  | 'Reshape'
  | 'Rsqrt'
  | 'Sigmoid'
  | 'Softmax'
  | 'SplitV'
  | 'StridedSlice'
  | 'Tanh'
  | '_FusedMatMul';

/** tfjs' kernels take any filter, and read beyond it. */
function convolve(name: KernelName, node: NodeReader): Compute {
  const compute = kernel(name, ['x', 'filter', 'bias'], convolutionOf(node));
  return (x, filter, ...bias) => {
    refuseMismatch(node, x.shape.at(-1), filter.shape[2]);
    return compute(x, filter, ...bias);
  };
}

function refuseMismatch(
  { name }: NodeReader,
  channels: number | undefined,
  expected: number | undefined,
): void {
  if (channels === expected) return;
  throw new Error(
    `The model's ${name} gets ${channels} channels, and its weights are for ${expected}.`,
  );
}

type KernelName = TfjsKernel | FusedOperation;

type Attributes = Readonly<Record<string, unknown>>;

/** @param inputs as the kernel calls them, in the node's order; the last may be missing */
function kernel(name: KernelName, inputs: readonly string[], attributes: Attributes = {}): Compute {
  return (...tensors) =>
    run(name, Object.fromEntries(tensors.map((tensor, i) => [inputs[i], tensor])), attributes);
}

function kernelOfAll(name: KernelName, attributes: Attributes = {}): Compute {
  return (...tensors) => run(name, tensors as unknown as NamedTensorMap, attributes);
}

function run(name: KernelName, inputs: NamedTensorMap, attributes: Attributes): Tensor | Tensor[] {
  return engine().runKernel(name, inputs, attributes as NamedAttrMap);
}

function reshape(x: Tensor, shape: number[]): Tensor {
  return run('Reshape', { x }, { shape }) as Tensor;
}

function scalarOf(values: readonly number[] | undefined): number {
  return values?.[0] ?? 0;
}

function pairsOf(values: readonly number[]): number[][] {
  return Array.from({ length: values.length / 2 }, (_, pair) =>
    values.slice(2 * pair, 2 * pair + 2),
  );
}

/** Rows and columns of what is given for batch, rows, columns and channels. */
function sidesOf({ name, numbers }: NodeReader, attribute: string): number[] {
  const sides = numbers(attribute);
  if (sides.length === 4) return sides.slice(1, 3);
  throw new Error(`The model's ${name} has ${sides.length} ${attribute}, and needs 4.`);
}

function poolOf(node: NodeReader): Attributes {
  return {
    filterSize: sidesOf(node, 'ksize'),
    strides: sidesOf(node, 'strides'),
    pad: node.text('padding').toLowerCase(),
  };
}

function convolutionOf(node: NodeReader): Attributes {
  return {
    strides: sidesOf(node, 'strides'),
    // Integers are those of a `Pad`: see fuse-padding.ts.
    pad: node.integers[0] ? pairsOf(node.integers[0]) : node.text('padding').toLowerCase(),
    dataFormat: node.text('data_format'),
    dilations: sidesOf(node, 'dilations'),
    activation: activationOf(node),
  };
}

/**
 * TensorFlow's names but for the capitals are tfjs'.
 *
 * @throws Error for one that the trainer does not fuse; others have attributes of their own
 */
export function activationOf({ name, texts }: NodeReader): string {
  const names = texts('fused_ops').filter((part) => part !== 'BiasAdd');
  const activation = names.join(' ').toLowerCase() || 'linear';
  if (Object.hasOwn(clamps, activation)) return activation;
  throw new Error(`The model's ${name} fuses ${names}, which the trainer does not write.`);
}
