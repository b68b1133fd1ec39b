import * as tf from '@tensorflow/tfjs-core';
import { products, WORK_BYTES } from '../cnn-kernels.ts';
import type { ExpandedDepthwiseAttributes } from '../composed-kernels.ts';
import {
  clampOf,
  convolutionOf,
  type FusedConvolution,
  fusedConvolutionOf,
  hasLines,
  isBias,
  isPointwise,
  shapeArguments,
} from '../kernel-call.ts';
import { type Computing, type Kernel, PATCH_BYTES, SCRATCH_BYTES } from './computing.ts';
import { multiply } from './products.ts';

/** Fewer patches than these make poor tiles. */
const MIN_PATCHES = 30;
/** Of the channels of a depthwise convolution that are copied at a time. */
const DEPTHWISE_BYTES = 64 * 1024;

export function convolve(on: Computing): Kernel {
  return (call) => {
    const convolution = fusedConvolutionOf(call, false);
    if (!convolution) return;
    const { x, filter, bias, clamp, info } = convolution;
    const { inChannels, outChannels: n, outShape } = info;
    const k = info.filterHeight * info.filterWidth * inChannels;
    if (isPointwise(info)) {
      const m = tf.util.sizeFromShape(x.shape) / k;
      return multiply(on, { a: x, b: filter, bias, clamp, m, k, n, outShape });
    }
    const patchCount = Math.max(MIN_PATCHES, Math.floor(PATCH_BYTES / (k * 4)));
    const { at: panels, product } = on.matrices.pack(filter, k, n);
    const out = on.makeOutput(outShape);
    const bytes = WORK_BYTES + patchCount * k * 4;
    const work = bytes > SCRATCH_BYTES ? on.heap._malloc(bytes) : on.scratch;
    on.kernels.convolve({
      ...shapeArguments(info),
      ...clamp,
      x: on.addressOf(x),
      channels: inChannels,
      panels,
      n,
      bias: on.addressOf(bias),
      out: on.addressOf(out),
      patches: work + WORK_BYTES,
      patchCount,
      work,
      product: products.indexOf(product),
    });
    if (work !== on.scratch) on.heap._free(work);
    return out;
  };
}

export function convolveDepthwise(on: Computing): Kernel {
  return (call) => {
    const convolution = fusedConvolutionOf(call, true);
    if (!convolution || !hasLines(convolution.info)) return;
    return computed(on, convolution.info.outShape, (out) =>
      on.kernels.convolveDepthwise({
        ...depthwiseArguments(on, convolution),
        out,
        workBytes: DEPTHWISE_BYTES,
      }),
    );
  };
}

export function convolveExpanded(on: Computing): Kernel {
  return ({ inputs, attrs, backend }) => {
    const { x, filter, bias, depthwiseFilter, depthwiseBias } = inputs;
    const { expansion, depthwise } = attrs as unknown as ExpandedDepthwiseAttributes;
    if (!x || !filter || !depthwiseFilter) return;
    const first = { inputs: { x, filter }, attrs: expansion, backend };
    const wide = convolutionOf(first, false);
    if (!wide || !isPointwise(wide) || wide.outChannels % 8 > 0) return;
    const between = { ...x, shape: wide.outShape };
    const second = { inputs: { x: between, filter: depthwiseFilter }, attrs: depthwise, backend };
    const info = convolutionOf(second, true);
    const [wideClamp, clamp] = [clampOf(first), clampOf(second)];
    if (!info || !hasLines(info) || !wideClamp || !clamp) return;
    if (!isBias(bias, info.inChannels) || !isBias(depthwiseBias, info.inChannels)) return;
    const { at: panels, product } = on.matrices.pack(filter, wide.inChannels, wide.outChannels);
    if (product === 'multiplyInt8') return;
    return computed(on, info.outShape, (out) =>
      on.kernels.convolveExpanded({
        ...depthwiseArguments(on, {
          ...{ x, filter: depthwiseFilter, bias: depthwiseBias, clamp, info },
        }),
        inChannels: wide.inChannels,
        panels,
        isInt8: Number(product === 'multiplyInt8Weights'),
        expansionBias: on.addressOf(bias),
        expansionLow: wideClamp.low,
        expansionHigh: wideClamp.high,
        out,
        workBytes: SCRATCH_BYTES,
      }),
    );
  };
}

function depthwiseArguments(on: Computing, { x, filter, bias, clamp, info }: FusedConvolution) {
  return {
    ...shapeArguments(info),
    ...clamp,
    x: on.addressOf(x),
    channels: info.inChannels,
    filter: on.addressOf(filter),
    bias: on.addressOf(bias),
    work: on.scratch,
  };
}

/** @param compute returns whether the kernel had enough memory, 0 or 1 */
function computed(
  on: Computing,
  shape: number[],
  compute: (out: number) => number,
): tf.TensorInfo | undefined {
  const out = on.makeOutput(shape);
  if (compute(on.addressOf(out))) return out;
  on.backend.disposeData(out.dataId);
  return undefined;
}
