import { type StoredWeight, valuesOf } from 'shared/inference/fold-constants';
import type { OnnxKernelFormat } from '../../config/quantizations.ts';
import { type QuantizedKernel, quantizePerChannel, STEP } from '../quantize.ts';
import { elementTypes } from './messages.ts';
import type { OnnxBuilder } from './onnx-builder.ts';

/** The order of a weight's dimensions in ONNX, and which of them indexes the output channels. */
export interface Layout {
  readonly order: readonly number[];
  readonly channel: number;
  /** How many of its last dimensions index the output channels where it is stored. */
  readonly channelDimensions: 1 | 2;
}

/** `[height, width, in, out]` to `[out, in, height, width]`. */
export const convolutionLayout: Layout = { order: [3, 2, 0, 1], channel: 0, channelDimensions: 1 };
/** `[height, width, channels, 1]` to `[channels, 1, height, width]`. */
export const depthwiseLayout: Layout = { order: [2, 3, 0, 1], channel: 0, channelDimensions: 2 };
/** `[in, out]`, as it is. */
export const matrixLayout: Layout = { order: [0, 1], channel: 1, channelDimensions: 1 };

/**
 * Writes a kernel.
 *
 * @returns the name of its values in float32
 */
export function writeWeight(
  graph: OnnxBuilder,
  weight: StoredWeight,
  layout: Layout,
  format: OnnxKernelFormat,
): string {
  const { name } = weight;
  const shape = layout.order.map((from) => weight.shape[from] as number);
  const values = valuesOf(weight);
  const turned = turn(values, weight.shape, layout.order);
  if (format === 'float32') {
    return graph.constant(name, { type: 'float32', shape, data: Float32Array.from(turned) });
  }
  if (format === 'float16') {
    const data = Float16Array.from(turned);
    graph.constant(`${name}/halves`, { type: 'float16', shape, data });
    return graph.node('Cast', [`${name}/halves`], name, { to: elementTypes.float32 });
  }
  const { steps } = quantized(weight, layout);
  const data = Int8Array.from(turn(steps, weight.shape, layout.order), (step) => step - ZERO);
  graph.constant(`${name}/steps`, { type: 'int8', shape, data });
  const scale = stepsOf(weight, layout);
  const inputs = [`${name}/steps`, graph.floats(`${name}/scales`, [scale.length], scale)];
  return graph.node('DequantizeLinear', inputs, name, { axis: layout.channel });
}

/** A kernel that was stored in 8 bits has its very steps again. */
function quantized(weight: StoredWeight, { channelDimensions }: Layout): QuantizedKernel {
  const kernel = { shape: weight.shape, values: valuesOf(weight) as Float32Array };
  return quantizePerChannel(kernel, channelDimensions, 'uint8');
}

/** The step of each output channel of a kernel. */
function stepsOf(weight: StoredWeight, layout: Layout): number[] {
  const { scales } = quantized(weight, layout);
  return Array.from(scales.values, (largest) => largest * STEP.uint8.scale);
}

/**
 * Writes a bias in 32 bits, in the steps of the products that it is added to.
 *
 * @param inputStep of the activations that the kernel multiplies
 * @returns the name of its values in float32
 */
export function writeBias(
  graph: OnnxBuilder,
  bias: StoredWeight,
  { kernel, layout, inputStep }: { kernel: StoredWeight; layout: Layout; inputStep: number },
): string {
  const scales = stepsOf(kernel, layout).map((step) => Math.fround(step * inputStep) || 1);
  const steps = Int32Array.from(valuesOf(bias), (value, at) =>
    Math.round(value / (scales[at] as number)),
  );
  const inputs = [
    graph.constant(`${bias.name}/steps`, { type: 'int32', shape: bias.shape, data: steps }),
    graph.floats(`${bias.name}/scales`, [scales.length], scales),
  ];
  return graph.node('DequantizeLinear', inputs, bias.name, { axis: 0 });
}

/** The step of 0. */
const ZERO = 128;

/** Transposes a tensor. @param order for each dimension of the result, which one of the tensor it is */
function turn(
  values: ArrayLike<number>,
  shape: readonly number[],
  order: readonly number[],
): Float64Array {
  const strideOf = (dimension: number) =>
    shape.slice(dimension + 1).reduce((product, side) => product * side, 1);
  const sides = order.map((from) => shape[from] as number);
  const strides = order.map(strideOf);
  const result = new Float64Array(values.length);
  const index = sides.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from] as number;
    for (let d = sides.length - 1; d >= 0; d--) {
      from += strides[d] as number;
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (sides[d] as number)) break;
      from -= (strides[d] as number) * (sides[d] as number);
      index[d] = 0;
    }
  }
  return result;
}
