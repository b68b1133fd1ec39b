import * as tf from '@tensorflow/tfjs';
import { foldBatchNorm, scaleBias, scaleKernel } from '../batch-norm/fold-batch-norm.ts';
import { freezeBatchNorm } from '../batch-norm/frozen-batch-norm.ts';
import { byGroup } from '../by-group.ts';
import {
  type FusedActivation,
  type FusedConvolution,
  fusedForward,
  fusedGradients,
} from '../fused-convolution.ts';
import { fusedOps, type GraphWriter, numbers, text } from '../graph-writer.ts';
import { type LayerFlow, nameOf, namesOf } from '../layers/layer-flow.ts';
import {
  activationOf,
  expectConfig,
  inlineActivation,
  parameterOf,
  withActivation,
} from '../layers/layer-options.ts';
import type { NamedTensor } from '../named-tensor.ts';
import type {
  BackwardContext,
  FusedLayer,
  Operation,
  Parameter,
  StepBase,
  StepGradients,
  StepRun,
} from '../operation.ts';
import { runKernel } from '../run-kernel.ts';
import { type Padding, windowedShape } from '../window.ts';
import { activationGradient, GRAPH_ACTIVATIONS } from './activation.ts';
import { writeConcat } from './concat.ts';

/** Convolution, its bias, a frozen BatchNorm, then an activation; all but the first may be absent. */
export interface ConvolutionStep extends StepBase, FusedConvolution {
  readonly kind: 'convolution';
}

/**
 * Convolution, bias, frozen BatchNorm and activation are one operation: BatchNorm's scale
 * multiplies the kernel rather than the much larger output, and its shift is the bias.
 */
export const convolution: Operation<ConvolutionStep> = {
  layers: {
    Conv2D: (layer, flow) => fuseConvolution(layer, flow, { kernel: 0, depthwise: false }),
    GroupedConv2D: (layer, flow) => fuseConvolution(layer, flow, { kernel: 0, depthwise: false }),
    DepthwiseConv2D: (layer, flow) => fuseConvolution(layer, flow, { kernel: 0, depthwise: true }),
    SeparableConv2D: fuseSeparableConvolution,
  },
  forward: (step, inputs) => {
    const [input] = inputs as [tf.Tensor];
    const output = fusedForward(step, input);
    return output ? { output } : convolve(step, input);
  },
  backward: (step, context) => fusedGradients(step, context) ?? convolutionGradients(step, context),
  outputShape(step, [input]) {
    const shape = input as [number, number, number];
    const [height, width, , filters] = step.kernel.value.shape as Shape4D;
    const sides = windowedShape(shape, [height, width], step.strides, step.padding);
    return [...sides, step.depthwise ? shape[2] : filters];
  },
  // Each weight of a kernel is used once at each position of the output.
  cost: ({ kernel }, [height, width]) =>
    2 * kernel.value.size * (height as number) * (width as number),
  parameters: ({ kernel, bias }) => (bias ? [kernel, bias] : [kernel]),
  constants: ({ batchNorm }) => (batchNorm ? [batchNorm.scale, batchNorm.shift] : []),
  writeGraph: writeConvolution,
};

function convolve(step: ConvolutionStep, input: tf.Tensor): StepRun {
  const { depthwise, groups, strides, padding: pad, activation } = step;
  const [output, scaledKernel] = tf.tidy(() => {
    const scaledKernel = scaleKernel(step);
    const operation = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    const bias = scaleBias(step);
    const parts = [input, scaledKernel, ...(bias ? [bias] : [])];
    const output = byGroup(groups, parts, ([x, filter, bias]) =>
      operation({
        x: x as tf.Tensor4D,
        filter: filter as tf.Tensor4D,
        ...(bias ? { bias } : {}),
        strides,
        pad,
        activation,
      }),
    );
    return [output, scaledKernel];
  }) as [tf.Tensor, tf.Tensor];
  return { output, saved: [scaledKernel] };
}

function convolutionGradients(
  step: ConvolutionStep,
  { inputs, output, saved, dy: outputGradient, needsInputGradient }: BackwardContext,
): StepGradients {
  const { kernel, bias, batchNorm, depthwise, groups, strides, padding: pad } = step;
  const [input] = inputs as [tf.Tensor4D];
  const parameters: (readonly [Parameter, tf.Tensor])[] = [];
  const byInputs = tf.tidy(() => {
    // A fused forward pass saves none.
    const [scaledKernel = scaleKernel(step)] = saved;
    const dy =
      step.activation === 'linear'
        ? outputGradient
        : activationGradient(step.activation, outputGradient, output, output);
    const attributes = {
      ...{ strides, pad, dimRoundingMode: undefined },
      ...(depthwise ? { dilations: [1, 1] } : { dataFormat: 'NHWC' }),
    };
    const [byFilter, byInput] = depthwise
      ? [tf.DepthwiseConv2dNativeBackpropFilter, tf.DepthwiseConv2dNativeBackpropInput]
      : [tf.Conv2DBackpropFilter, tf.Conv2DBackpropInput];
    const shareOf = (shape: number[]) => [...shape.slice(0, 3), (shape[3] as number) / groups];
    // scaledKernel = kernel · scale, so the chain rule gives the gradient the same factor; likewise for the bias.
    const keep = (parameter: Parameter, gradient: tf.Tensor, scale: tf.Tensor | undefined) => {
      parameters.push([parameter, tf.keep(scale ? gradient.mul(scale) : gradient)]);
    };
    if (kernel.value.trainable) {
      const filterShape = shareOf(scaledKernel.shape);
      const gradient = byGroup(groups, [input, dy], ([x, dy]) =>
        runKernel(byFilter, tensors({ x, dy }), { ...attributes, filterShape }),
      );
      keep(kernel, gradient, batchNorm?.scale);
    }
    if (bias?.value.trainable) keep(bias, dy.sum([0, 1, 2]), batchNorm?.scale.flatten());
    if (!needsInputGradient) return [];
    const inputShape = shareOf(input.shape);
    return [
      byGroup(groups, [dy, scaledKernel], ([dy, filter]) =>
        runKernel(byInput, tensors({ dy, filter }), { ...attributes, inputShape }),
      ),
    ];
  });
  return { inputs: byInputs, parameters };
}

function tensors(named: Record<string, tf.Tensor | undefined>): Record<string, tf.Tensor> {
  return named as Record<string, tf.Tensor>;
}

/** Fuses a convolution with the BatchNorm and the ReLU after it, where nothing else reads its output. */
function fuseConvolution(
  layer: tf.layers.Layer,
  flow: LayerFlow,
  {
    depthwise,
    kernel,
    input,
  }: { readonly depthwise: boolean; readonly kernel: number; readonly input?: string },
): FusedLayer {
  const config = layer.getConfig();
  expectConfig(layer, { dilationRate: [1, 1] });
  const weight = parameterOf(layer, kernel);
  const own = inlineActivation(layer);
  const norm = own === 'linear' ? flow.nextOf(layer, 'BatchNormalization') : undefined;
  const relu = own === 'linear' ? flow.nextOf(norm ?? layer, 'ReLU', 'Activation') : undefined;
  const next = relu === undefined ? own : activationOf(relu);
  const fusedRelu = relu !== undefined && isFusable(next) ? relu : undefined;
  const layers = [norm, fusedRelu].filter((taken) => taken !== undefined);
  const step: ConvolutionStep = {
    kind: 'convolution',
    name: layer.name,
    inputs: input === undefined ? namesOf(layer.input) : [input],
    output: nameOf((layers.at(-1) ?? layer).output),
    depthwise,
    kernel: depthwise ? singleFilters(layer, weight) : weight,
    groups: (config['groups'] ?? 1) as number,
    bias: config['useBias'] ? parameterOf(layer, kernel + 1) : undefined,
    strides: (input === undefined ? config['strides'] : [1, 1]) as [number, number],
    padding: config['padding'] as Padding,
    batchNorm: norm && freezeBatchNorm(norm, depthwise),
    activation: fusedRelu && isFusable(next) ? next : 'linear',
  };
  if (fusedRelu || own === 'linear') return { steps: [step], layers };
  if (isFusable(own)) return { steps: [{ ...step, activation: own } as ConvolutionStep], layers };
  return withActivation(step, own);
}

/** A filter for each channel, then one across them (Chollet 2017, §2). */
function fuseSeparableConvolution(layer: tf.layers.Layer, flow: LayerFlow): FusedLayer {
  const config = layer.getConfig();
  const between = `${layer.name}/depthwise`;
  const pointwise = fuseConvolution(layer, flow, { kernel: 1, depthwise: false, input: between });
  const depthwise: ConvolutionStep = {
    kind: 'convolution',
    name: between,
    inputs: namesOf(layer.input),
    output: between,
    depthwise: true,
    kernel: singleFilters(layer, parameterOf(layer, 0)),
    groups: 1,
    bias: undefined,
    strides: config['strides'] as [number, number],
    padding: config['padding'] as Padding,
    batchNorm: undefined,
    activation: 'linear',
  };
  return { steps: [depthwise, ...pointwise.steps], layers: pointwise.layers };
}

/** A depthwise kernel must have one filter a channel. */
function singleFilters(layer: tf.layers.Layer, kernel: Parameter): Parameter {
  if (kernel.value.shape[3] === 1) return kernel;
  throw new Error(`${layer.name}: expected one filter a channel, not ${kernel.value.shape[3]}.`);
}

function isFusable(activation: string): activation is FusedActivation {
  return activation === 'linear' || activation === 'relu' || activation === 'relu6';
}

/** Attributes without a default in TensorFlow, which has `_FusedConv2D` too; tfjs ignores them. */
const CONVOLUTION_ARGUMENTS = {
  TArgs: { list: { type: ['DT_FLOAT'] } },
  num_host_args: { i: '0' },
};

async function writeConvolution(step: ConvolutionStep, graph: GraphWriter): Promise<void> {
  const { name, output, depthwise, groups } = step;
  const { kernel, bias } = await foldBatchNorm(step);
  const [input] = step.inputs as [string];
  const [height, width] = step.strides;
  const operation = depthwise ? 'FusedDepthwiseConv2dNative' : '_FusedConv2D';
  const convolve = (output: string, inputs: readonly string[]) =>
    graph.node(output, operation, inputs, {
      strides: numbers([1, height, width, 1]),
      dilations: numbers([1, 1, 1, 1]),
      padding: text(step.padding.toUpperCase()),
      data_format: text('NHWC'),
      ...(depthwise ? {} : CONVOLUTION_ARGUMENTS),
      ...fusedOps(
        step.activation === 'linear'
          ? ['BiasAdd']
          : ['BiasAdd', GRAPH_ACTIVATIONS[step.activation]],
      ),
    });
  if (groups === 1) {
    const kernelNode = graph.kernel(`${name}/kernel`, kernel, depthwise ? 2 : 1);
    convolve(output, [input, kernelNode, graph.float(`${name}/bias`, bias)]);
    return;
  }
  // tfjs has no grouped convolution: one for each group.
  const axis = graph.integers(`${output}/split/axis`, [3], []);
  const split = graph.node(`${output}/split`, 'Split', [axis, input], {
    num_split: { i: `${groups}` },
  });
  const biases = sharesOf(bias, groups);
  const parts = sharesOf(kernel, groups).map((share, group) =>
    convolve(`${output}/group${group}`, [
      `${split}:${group}`,
      graph.kernel(`${name}/kernel${group}`, share, 1),
      graph.float(`${name}/bias${group}`, biases[group] as NamedTensor),
    ]),
  );
  writeConcat(graph, output, parts);
}

/** Cuts a tensor into equal parts along its last dimension. */
function sharesOf({ shape, values }: NamedTensor, count: number): NamedTensor[] {
  const channels = shape.at(-1) as number;
  const width = channels / count;
  return Array.from({ length: count }, (_, share) => {
    const part = new Float32Array(values.length / count);
    for (let from = share * width, to = 0; to < part.length; from += channels, to += width) {
      part.set(values.subarray(from, from + width), to);
    }
    return { shape: [...shape.slice(0, -1), width], values: part };
  });
}

type Shape4D = [number, number, number, number];
