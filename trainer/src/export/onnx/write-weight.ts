import { type StoredWeight, valuesOf } from 'shared/inference/fold-constants';
import { elementTypes } from './messages.ts';
import type { OnnxBuilder } from './onnx-builder.ts';

/** The order of a weight's dimensions in ONNX, and which of them indexes the output channels. */
interface Layout {
  readonly order: readonly number[];
  readonly channel: number;
}

/** `[height, width, in, out]` to `[out, in, height, width]`. */
export const convolutionLayout: Layout = { order: [3, 2, 0, 1], channel: 0 };
/** `[height, width, channels, 1]` to `[channels, 1, height, width]`. */
export const depthwiseLayout: Layout = { order: [2, 3, 0, 1], channel: 0 };
/** `[in, out]`, as it is. */
export const matrixLayout: Layout = { order: [0, 1], channel: 1 };

/**
 * How an ONNX file stores kernels: `int8` with a scale for each output channel, as the model itself does where its
 * kernels are in 8 bits, `float16` or `float32`.
 */
export const onnxKernelFormats = ['float32', 'float16', 'int8'] as const;
export type OnnxKernelFormat = (typeof onnxKernelFormats)[number];

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
  const turned = turn(valuesOf(weight), weight.shape, layout.order);
  if (format === 'float32') {
    return graph.constant(name, { type: 'float32', shape, data: Float32Array.from(turned) });
  }
  if (format === 'float16') {
    const data = Float16Array.from(turned);
    graph.constant(`${name}/halves`, { type: 'float16', shape, data });
    return graph.node('Cast', [`${name}/halves`], name, { to: elementTypes.float32 });
  }
  const { scales, steps } = stepsOf(turned, shape, layout.channel);
  graph.constant(`${name}/steps`, { type: 'int8', shape, data: steps });
  graph.constant(`${name}/scales`, { type: 'float32', shape: [scales.length], data: scales });
  const inputs = [`${name}/steps`, `${name}/scales`];
  return graph.node('DequantizeLinear', inputs, name, { axis: layout.channel });
}

/** A kernel that was stored in 8 bits has its very steps again: its largest value of a channel is 127 of them. */
function stepsOf(
  values: Float64Array,
  shape: readonly number[],
  channel: number,
): { readonly scales: Float32Array; readonly steps: Int8Array } {
  const count = shape[channel] as number;
  const run = shape.slice(channel + 1).reduce((product, side) => product * side, 1);
  const channelOf = (index: number) => Math.floor(index / run) % count;
  const largest = new Float64Array(count);
  for (const [index, value] of values.entries()) {
    const at = channelOf(index);
    largest[at] = Math.max(largest[at] as number, Math.abs(value));
  }
  const scales = Float32Array.from(largest, (value) => (value || 1) / 127);
  const steps = Int8Array.from(values, (value, index) =>
    Math.round(value / (scales[channelOf(index)] as number)),
  );
  return { scales, steps };
}

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
