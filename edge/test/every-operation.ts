import { GraphBuilder, type GraphModel } from 'trainer/export/graph-builder';
import { numbers, text } from 'trainer/plan/graph-writer';
import type { TestProject } from 'vitest/node';

/** Side of its square input, in pixels. */
export const EVERY_OPERATION_SIZE = 32;

export const EVERY_OPERATION_CLASSES = 3;

const INDEX = { Tidx: { type: 'DT_INT32' } };
const FORMAT = { data_format: text('NHWC') };

/** A graph with every operation of `shared/inference/graph/operations`, in 8 bits, with the exporter's attributes. */
export function buildEveryOperation(): GraphModel {
  const graph = new GraphBuilder('uint8');
  const input = { name: 'photo', shape: [-1, EVERY_OPERATION_SIZE, EVERY_OPERATION_SIZE, 3] };
  graph.placeholder(input);
  const overall = { ...INDEX, keep_dims: { b: false } };
  const window = { strides: numbers([1, 1, 1, 1]), dilations: numbers([1, 1, 1, 1]), ...FORMAT };
  const conv = graph.node(
    'conv',
    '_FusedConv2D',
    [
      'photo',
      graph.kernel('conv/kernel', noise([3, 3, 3, 4]), 1),
      graph.float('conv/bias', noise([4])),
    ],
    { ...window, padding: text('SAME'), ...fusedOps('BiasAdd', 'Relu6') },
  );
  const paddings = { Tpaddings: { type: 'DT_INT32' } };
  const bordered = graph.node(
    'bordered',
    'Pad',
    [conv, graph.integers('border', [0, 0, 2, 0, 1, 1, 0, 0], [4, 2])],
    paddings,
  );
  const depthwise = graph.node(
    'depthwise',
    'FusedDepthwiseConv2dNative',
    [
      bordered,
      graph.kernel('depthwise/kernel', noise([3, 3, 4, 1]), 2),
      graph.float('depthwise/bias', noise([4])),
    ],
    { ...window, padding: text('VALID'), ...fusedOps('BiasAdd') },
  );
  const swish = graph.node('swish', 'Mul', [depthwise, graph.node('gate', 'Sigmoid', [depthwise])]);
  const two = graph.node('two', 'AddV2', [swish, conv]);
  const squeezed = graph.node(
    'squeezed',
    'Reshape',
    [
      graph.node('means', 'Mean', [two, graph.integers('means/axes', [1, 2])], overall),
      graph.integers('squeezed/shape', [-1, 1, 1, 4]),
    ],
    { Tshape: { type: 'DT_INT32' } },
  );
  const excited = graph.node('excited', 'Mul', [
    two,
    graph.node('excitation', 'Sigmoid', [squeezed]),
  ]);
  const three = graph.node('three', 'AddN', [swish, conv, excited], { N: { i: '3' } });
  const joined = graph.node(
    'joined',
    'ConcatV2',
    [
      graph.node('tanh', 'Tanh', [three]),
      graph.node('relu', 'Relu', [depthwise]),
      graph.node('relu6', 'Relu6', [three]),
      graph.integers('joined/axis', [3], []),
    ],
    { N: { i: '3' }, ...INDEX },
  );
  const pool = {
    ksize: numbers([1, 3, 3, 1]),
    strides: numbers([1, 2, 2, 1]),
    padding: text('SAME'),
    ...FORMAT,
  };
  const pooled = graph.node('pooled', 'AddV2', [
    graph.node('max-pool', 'MaxPool', [joined], pool),
    graph.node('average-pool', 'AvgPool', [joined], pool),
  ]);
  const cropped = graph.node(
    'cropped',
    'StridedSlice',
    [
      pooled,
      graph.integers('begin', [0, 1, 0, 0]),
      graph.integers('end', [0, 0, -2, 0]),
      graph.integers('strides', [1, 1, 1, 1]),
    ],
    { ...INDEX, begin_mask: { i: '9' }, end_mask: { i: '11' } },
  );
  const padded = graph.node(
    'padded',
    'Pad',
    [cropped, graph.integers('paddings', [0, 0, 1, 0, 2, 3, 0, 0], [4, 2])],
    paddings,
  );
  const normalized = graph.node('normalized', 'LRN', [padded], {
    depth_radius: { i: '2' },
    bias: { f: 2 },
    alpha: { f: 0.1 },
    beta: { f: 0.75 },
  });
  const split = graph.node('split', 'Split', [graph.integers('axis', [3], []), normalized], {
    num_split: { i: '2' },
  });
  const parts = graph.node('parts', 'AddV2', [`${split}:0`, `${split}:1`]);
  const features = graph.node('features', 'AddV2', [
    graph.node('mean', 'Mean', [parts, graph.integers('mean/axes', [1, 2])], overall),
    graph.node('max', 'Max', [parts, graph.integers('max/axes', [1, 2])], overall),
  ]);
  const flat = graph.node(
    'flat',
    'Reshape',
    [graph.node('same', 'Identity', [features]), graph.integers('shape', [-1, 6])],
    { Tshape: { type: 'DT_INT32' } },
  );
  const positive = graph.node('positive', 'AddV2', [
    graph.node('rectified', 'Relu', [flat]),
    graph.float('one', { shape: [1], values: Float32Array.of(1) }),
  ]);
  const inverse = graph.node('inverse', 'Rsqrt', [positive]);
  const both = graph.node('both', 'AddV2', [flat, inverse]);
  const logits = graph.node(
    'logits',
    '_FusedMatMul',
    [
      both,
      graph.kernel('dense/kernel', noise([6, EVERY_OPERATION_CLASSES]), 1),
      graph.float('dense/bias', noise([EVERY_OPERATION_CLASSES])),
    ],
    { transpose_a: { b: false }, transpose_b: { b: false }, ...fusedOps('BiasAdd') },
  );
  graph.node('probabilities', 'Softmax', [logits]);
  return graph.finish(input, { name: 'probabilities', shape: [-1, EVERY_OPERATION_CLASSES] });
}

/** For the tests in workerd, where the trainer's code does not run. */
export default function setup(project: TestProject): void {
  const { topology, weightSpecs, weightData } = buildEveryOperation();
  project.provide('everyOperation', {
    size: EVERY_OPERATION_SIZE,
    json: JSON.stringify({ modelTopology: topology, weightSpecs }),
    weightData: [...weightData],
  });
}

/** Always the same numbers, between −0.5 and 0.5. */
function noise(shape: readonly number[]): { shape: readonly number[]; values: Float32Array } {
  const length = shape.reduce((product, side) => product * side, 1);
  const values = Float32Array.from(
    { length },
    (_, i) => ((i * 7919 + length * 31) % 101) / 100 - 0.5,
  );
  return { shape, values };
}

function fusedOps(...names: readonly string[]): object {
  return { num_args: { i: '1' }, fused_ops: { list: { s: names.map((name) => text(name).s) } } };
}
