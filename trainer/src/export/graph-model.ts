import type { ConvolutionStep, DenseStep, PadStep, Plan, PoolStep, Step } from '../plan/plan.ts';
import type { NamedTensor } from '../weights/safetensors.ts';
import { toNamedTensor } from '../weights/to-named-tensor.ts';
import { type FoldedConvolution, foldBatchNorm } from './fold-batch-norm.ts';
import {
  GraphBuilder,
  type GraphModel,
  type KernelFormats,
  numbers,
  text,
} from './graph-builder.ts';

/**
 * Writes a plan as a graph of TensorFlow's fused operations, BatchNorm folded into the kernels.
 *
 * @param size side of the square input: `input` is `[n, size, size, 3]` float32, already
 *   preprocessed; the output is `[n, classes]` probabilities
 * @param temperature that the logits are divided by (Guo et al. 2017, §4.2). The last dense layer
 *   takes it in, so whatever runs the graph gets calibrated probabilities.
 */
export async function toGraphModel(
  plan: Plan,
  size: number,
  formats: KernelFormats,
  temperature = 1,
): Promise<GraphModel> {
  const graph = new GraphBuilder(formats);
  const input = { name: plan.input, shape: [-1, size, size, 3] };
  graph.placeholder(input);
  const logits = logitsOf(plan);
  for (const step of plan.steps) await addStep(graph, step, step === logits ? 1 / temperature : 1);
  return graph.finish(input, { name: plan.output, shape: [-1, logits.bias.value.size] });
}

/** @param factor of a dense step's output */
async function addStep(graph: GraphBuilder, step: Step, factor: number): Promise<void> {
  const { output, inputs } = step;
  const [input] = inputs as [string];
  switch (step.kind) {
    case 'convolution':
      addConvolution(graph, step, await foldBatchNorm(step));
      return;
    case 'affine': {
      const scale = await toNamedTensor(step.batchNorm.scale);
      const shift = await toNamedTensor(step.batchNorm.shift);
      const scaled = graph.node(`${output}/scaled`, 'Mul', [
        input,
        graph.float(`${step.name}/scale`, scale),
      ]);
      graph.node(output, 'AddV2', [scaled, graph.float(`${step.name}/shift`, shift)]);
      return;
    }
    case 'activation':
      if (step.activation === 'swish') {
        const gate = graph.node(`${output}/gate`, 'Sigmoid', inputs);
        graph.node(output, 'Mul', [input, gate]);
      } else {
        graph.node(output, ACTIVATIONS[step.activation], inputs);
      }
      return;
    case 'add':
      if (inputs.length === 2) graph.node(output, 'AddV2', inputs);
      else graph.node(output, 'AddN', inputs, { N: { i: `${inputs.length}` } });
      return;
    case 'multiply':
      graph.node(output, 'Mul', inputs);
      return;
    case 'concat':
      addConcat(graph, output, inputs);
      return;
    case 'max-pool':
    case 'average-pool':
      addPool(graph, step);
      return;
    case 'pad':
      addPad(graph, step);
      return;
    case 'local-response-normalization':
      graph.node(output, 'LRN', inputs, {
        depth_radius: { i: `${step.radius}` },
        bias: { f: step.bias },
        alpha: { f: step.alpha },
        beta: { f: step.beta },
      });
      return;
    case 'global-average-pool':
    case 'global-max-pool': {
      const axes = graph.integers(`${output}/axes`, [1, 2]);
      graph.node(output, step.kind === 'global-max-pool' ? 'Max' : 'Mean', [input, axes], {
        Tidx: { type: 'DT_INT32' },
        keep_dims: { b: false },
      });
      return;
    }
    case 'reshape':
      graph.node(
        output,
        'Reshape',
        [input, graph.integers(`${output}/shape`, [-1, ...step.shape])],
        {
          Tshape: { type: 'DT_INT32' },
        },
      );
      return;
    case 'dropout':
      graph.node(output, 'Identity', inputs);
      return;
    case 'dense': {
      const kernel = await toNamedTensor(step.kernel.value);
      const bias = await toNamedTensor(step.bias.value);
      graph.node(
        output,
        '_FusedMatMul',
        [
          input,
          graph.kernel(`${step.name}/kernel`, times(kernel, factor), 1),
          graph.float(`${step.name}/bias`, times(bias, factor)),
        ],
        { transpose_a: { b: false }, transpose_b: { b: false }, ...fusedOps(['BiasAdd']) },
      );
      return;
    }
    case 'softmax':
      graph.node(output, 'Softmax', inputs);
  }
}

function addConvolution(
  graph: GraphBuilder,
  step: ConvolutionStep,
  { kernel, bias }: FoldedConvolution,
): void {
  const { name, output, depthwise, groups } = step;
  const [input] = step.inputs as [string];
  const [height, width] = step.strides;
  const convolve = (output: string, input: string, kernel: string, bias: string) =>
    graph.node(
      output,
      depthwise ? 'FusedDepthwiseConv2dNative' : '_FusedConv2D',
      [input, kernel, bias],
      {
        strides: numbers([1, height, width, 1]),
        dilations: numbers([1, 1, 1, 1]),
        padding: text(step.padding.toUpperCase()),
        data_format: text('NHWC'),
        ...(depthwise ? {} : CONVOLUTION_ARGUMENTS),
        ...fusedOps(
          step.activation === 'linear' ? ['BiasAdd'] : ['BiasAdd', ACTIVATIONS[step.activation]],
        ),
      },
    );
  if (groups === 1) {
    const channels = depthwise ? 2 : 1;
    convolve(
      output,
      input,
      graph.kernel(`${name}/kernel`, kernel, channels),
      graph.float(`${name}/bias`, bias),
    );
    return;
  }
  // tfjs has no grouped convolution: one for each group.
  const axis = graph.integers(`${output}/split/axis`, [3], []);
  const split = graph.node(`${output}/split`, 'Split', [axis, input], {
    num_split: { i: `${groups}` },
  });
  const kernels = shares(kernel, groups);
  const biases = shares(bias, groups);
  const parts = kernels.map((share, group) =>
    convolve(
      `${output}/group${group}`,
      `${split}:${group}`,
      graph.kernel(`${name}/kernel${group}`, share, 1),
      graph.float(`${name}/bias${group}`, biases[group] as NamedTensor),
    ),
  );
  addConcat(graph, output, parts);
}

/** Cuts a tensor into equal parts along its last dimension. */
function shares({ shape, values }: NamedTensor, count: number): NamedTensor[] {
  const channels = shape.at(-1) as number;
  const width = channels / count;
  return Array.from({ length: count }, (_, share) => ({
    shape: [...shape.slice(0, -1), width],
    values: values.filter((_, index) => Math.floor((index % channels) / width) === share),
  }));
}

function addConcat(graph: GraphBuilder, name: string, inputs: readonly string[]): void {
  const axis = graph.integers(`${name}/axis`, [3], []);
  graph.node(name, 'ConcatV2', [...inputs, axis], {
    N: { i: `${inputs.length}` },
    Tidx: { type: 'DT_INT32' },
  });
}

function addPool(
  graph: GraphBuilder,
  { kind, inputs, output, size, strides, padding }: PoolStep,
): void {
  graph.node(output, kind === 'max-pool' ? 'MaxPool' : 'AvgPool', inputs, {
    ksize: numbers([1, ...size, 1]),
    strides: numbers([1, ...strides, 1]),
    padding: text(padding.toUpperCase()),
    data_format: text('NHWC'),
  });
}

function addPad(graph: GraphBuilder, { inputs, output, rows, columns }: PadStep): void {
  const [input] = inputs as [string];
  const index = { Index: { type: 'DT_INT32' } };
  const amounts = [...rows, ...columns];
  const [top, bottom, left, right] = amounts.map((count) => Math.max(-count, 0)) as Sides;
  const crops = top + bottom + left + right > 0;
  const pads = amounts.some((count) => count > 0);
  let cropped = input;
  if (crops) {
    // A mask's bit opens its dimension: batch and channels are 1 and 8.
    const endMask = 1 + (bottom === 0 ? 2 : 0) + (right === 0 ? 4 : 0) + 8;
    cropped = graph.node(
      pads ? `${output}/cropped` : output,
      'StridedSlice',
      [
        input,
        graph.integers(`${output}/begin`, [0, top, left, 0]),
        graph.integers(`${output}/end`, [0, -bottom, -right, 0]),
        graph.integers(`${output}/strides`, [1, 1, 1, 1]),
      ],
      { ...index, begin_mask: { i: '9' }, end_mask: { i: `${endMask}` } },
    );
  }
  if (!pads && crops) return;
  const paddings = [0, 0, ...amounts.map((count) => Math.max(count, 0)), 0, 0];
  graph.node(output, 'Pad', [cropped, graph.integers(`${output}/paddings`, paddings, [4, 2])], {
    Tpaddings: { type: 'DT_INT32' },
  });
}

type Sides = [top: number, bottom: number, left: number, right: number];

/** The last dense layer, whose numbers the softmax reads, one a class. */
function logitsOf(plan: Plan): DenseStep {
  const dense = plan.steps.findLast((step) => step.kind === 'dense');
  if (!dense) throw new Error('Expected a network that ends in a dense layer.');
  return dense;
}

function times({ shape, values }: NamedTensor, factor: number): NamedTensor {
  return { shape, values: values.map((value) => value * factor) };
}

const ACTIVATIONS = { relu: 'Relu', relu6: 'Relu6', sigmoid: 'Sigmoid', tanh: 'Tanh' } as const;

function fusedOps(names: readonly string[]): object {
  return { num_args: { i: '1' }, fused_ops: { list: { s: names.map((name) => text(name).s) } } };
}

/**
 * Of tfjs' fused operations this one is TensorFlow's own, which has no default for the types of its
 * arguments. tfjs reads neither.
 */
const CONVOLUTION_ARGUMENTS = {
  TArgs: { list: { type: ['DT_FLOAT'] } },
  num_host_args: { i: '0' },
};
