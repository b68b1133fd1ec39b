import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { mallocLines } from './arena.ts';
import { type Clamp, type CnnKernels, products, type WasmHeap, WORK_BYTES } from './cnn-kernels.ts';
import type { ExpandedDepthwiseAttributes } from './composed-kernels.ts';
import { registerDequantize } from './dequantize.ts';
import type { KernelArguments } from './kernel-arguments.ts';
import {
  clampOf,
  convolutionOf,
  hasLines,
  isBias,
  isFloat,
  isPointwise,
  type KernelCall,
  type Shape4D,
  shapeArguments,
} from './kernel-call.ts';
import { PackedMatrices } from './packed-matrices.ts';

/** Returns nothing for what it does not cover. */
type Kernel = (call: KernelCall) => tf.TensorInfo | undefined;

/** Of the matrices that convolutions are turned into, at a time. */
const PATCH_BYTES = 128 * 1024;
/** Fewer patches than these make poor tiles. */
const MIN_PATCHES = 30;
/** Of the channels of a depthwise convolution that are copied at a time. */
const DEPTHWISE_BYTES = 64 * 1024;
/** Enough for all but convolutions whose patches are larger than PATCH_BYTES / MIN_PATCHES. */
const SCRATCH_BYTES = WORK_BYTES + PATCH_BYTES;

/**
 * Puts faster kernels in the place of tfjs-wasm's for what convolutional networks are made of, for any
 * program that computes on this backend. What they do not cover (dilated convolutions, other fused
 * activations than ReLU and ReLU6, depthwise filters that are not 3 or 5 wide, most broadcasts), the
 * replaced kernels still compute.
 *
 * @param backend not yet in use, or in use by nothing else
 * @param kernels in the backend's heap
 */
export function registerCnnKernels(backend: BackendWasm, kernels: CnnKernels): void {
  const heap = backend.wasm as unknown as WasmHeap;
  const matrices = new PackedMatrices(backend, heap, kernels);
  /** The same memory for every call, which keeps it in the cache. */
  const { at: scratch } = mallocLines(heap._malloc, SCRATCH_BYTES);
  const addressOf = (tensor: tf.TensorInfo | undefined): number =>
    tensor ? backend.getMemoryOffset(tensor.dataId) : 0;
  const multiply = (
    a: tf.TensorInfo,
    b: tf.TensorInfo,
    bias: tf.TensorInfo | undefined,
    { low, high }: Clamp,
    { m, k, n }: { readonly m: number; readonly k: number; readonly n: number },
    outShape: number[],
  ): tf.TensorInfo => {
    const { at: panels, product } = matrices.pack(b, k, n);
    const out = backend.makeOutput(outShape, 'float32');
    kernels[product]({
      a: addressOf(a),
      m,
      k,
      panels,
      n,
      bias: addressOf(bias),
      low,
      high,
      out: addressOf(out),
      work: scratch,
    });
    return out;
  };

  const convolve: Kernel = (call) => {
    const { x, filter, bias } = call.inputs;
    const clamp = clampOf(call);
    const info = convolutionOf(call, false);
    if (!x || !filter || !clamp || !info || !isBias(bias, info.outChannels)) return;
    const { inChannels, outChannels: n, outShape } = info;
    const k = info.filterHeight * info.filterWidth * inChannels;
    if (isPointwise(info)) {
      const m = tf.util.sizeFromShape(x.shape) / k;
      return multiply(x, filter, bias, clamp, { m, k, n }, outShape);
    }
    const patchCount = Math.max(MIN_PATCHES, Math.floor(PATCH_BYTES / (k * 4)));
    const { at: panels, product } = matrices.pack(filter, k, n);
    const out = backend.makeOutput(outShape, 'float32');
    const bytes = WORK_BYTES + patchCount * k * 4;
    const work = bytes > SCRATCH_BYTES ? heap._malloc(bytes) : scratch;
    kernels.convolve({
      ...shapeArguments(info),
      ...clamp,
      x: addressOf(x),
      channels: inChannels,
      panels,
      n,
      bias: addressOf(bias),
      out: addressOf(out),
      patches: work + WORK_BYTES,
      patchCount,
      work,
      product: products.indexOf(product),
    });
    if (work !== scratch) heap._free(work);
    return out;
  };

  const convolveDepthwise: Kernel = (call) => {
    const { x, filter, bias } = call.inputs;
    const clamp = clampOf(call);
    const info = convolutionOf(call, true);
    if (!x || !filter || !clamp || !info || !isBias(bias, info.outChannels)) return;
    if (!hasLines(info)) return;
    const out = backend.makeOutput(info.outShape, 'float32');
    const isDone = kernels.convolveDepthwise({
      ...shapeArguments(info),
      ...clamp,
      x: addressOf(x),
      channels: info.inChannels,
      filter: addressOf(filter),
      bias: addressOf(bias),
      out: addressOf(out),
      work: scratch,
      workBytes: DEPTHWISE_BYTES,
    });
    if (isDone) return out;
    backend.disposeData(out.dataId);
    return;
  };

  const convolveExpanded: Kernel = ({ inputs, attrs }) => {
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
    const { at: panels, product } = matrices.pack(filter, wide.inChannels, wide.outChannels);
    if (product === 'multiplyInt8') return;
    const out = backend.makeOutput(info.outShape, 'float32');
    const isDone = kernels.convolveExpanded({
      ...shapeArguments(info),
      ...clamp,
      x: addressOf(x),
      inChannels: wide.inChannels,
      panels,
      isInt8: Number(product === 'multiplyInt8Weights'),
      expansionBias: addressOf(bias),
      expansionLow: wideClamp.low,
      expansionHigh: wideClamp.high,
      channels: info.inChannels,
      filter: addressOf(depthwiseFilter),
      bias: addressOf(depthwiseBias),
      out: addressOf(out),
      work: scratch,
      workBytes: SCRATCH_BYTES,
    });
    if (isDone) return out;
    backend.disposeData(out.dataId);
    return;
  };

  const multiplyMatrices: Kernel = (call) => {
    const { a, b, bias } = call.inputs;
    const clamp = clampOf(call);
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    if (!a || !b || !clamp || transposeA || transposeB || !isFloat(a, b)) return;
    const [k, n] = b.shape.slice(-2) as [number, number];
    if (tf.util.sizeFromShape(b.shape) !== k * n || !isBias(bias, n) || k === 0) return;
    const m = tf.util.sizeFromShape(a.shape) / k;
    if (m * n === 0) return;
    const batch = a.shape.length >= b.shape.length ? a.shape.slice(0, -1) : undefined;
    return batch && multiply(a, b, bias, clamp, { m, k, n }, [...batch, n]);
  };

  const add: Kernel = ({ inputs: { a, b } }) => {
    if (!a || !b || !isFloat(a, b) || !tf.util.arraysEqual(a.shape, b.shape)) return;
    const out = backend.makeOutput(a.shape, 'float32');
    const count = tf.util.sizeFromShape(a.shape);
    kernels.add({ a: addressOf(a), b: addressOf(b), count, out: addressOf(out) });
    return out;
  };

  const multiplyChannels: Kernel = ({ inputs: { a, b } }) => {
    if (!a || !b || !isFloat(a, b)) return;
    const isSmaller = tf.util.sizeFromShape(a.shape) < tf.util.sizeFromShape(b.shape);
    const [x, factors] = isSmaller ? [b, a] : [a, b];
    const sides = sidesOf(x.shape, factors.shape);
    if (!sides) return;
    const out = backend.makeOutput(x.shape, 'float32');
    kernels.multiplyChannels({
      ...sides,
      x: addressOf(x),
      factors: addressOf(factors),
      out: addressOf(out),
    });
    return out;
  };

  const mapEach =
    (kernel: CnnKernels['sigmoid' | 'swish']): Kernel =>
    ({ inputs: { x } }) => {
      if (!x || !isFloat(x)) return;
      const out = backend.makeOutput(x.shape, 'float32');
      kernel({ x: addressOf(x), count: tf.util.sizeFromShape(x.shape), out: addressOf(out) });
      return out;
    };

  /** As tfjs' other backends do; tfjs-wasm's makes a copy. */
  const identity: Kernel = ({ inputs: { x } }) => {
    if (!x) return;
    backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  };

  const mean: Kernel = ({ inputs: { x }, attrs }) => {
    const { axis, keepDims } = attrs as unknown as { axis: number | number[]; keepDims: boolean };
    if (x?.shape.length !== 4 || !isFloat(x)) return;
    const [batch, height, width, channels] = x.shape as Shape4D;
    const axes = tf.util.parseAxisParam(axis, x.shape).sort();
    if (axes.join() !== '1,2' || batch * height * width * channels === 0) return;
    const out = backend.makeOutput(
      keepDims ? [batch, 1, 1, channels] : [batch, channels],
      'float32',
    );
    const pixels = height * width;
    kernels.meanOfPixels({ x: addressOf(x), batch, pixels, channels, out: addressOf(out) });
    return out;
  };

  registerDequantize(backend, heap, matrices, kernels);
  /** @param isComposed the original runs other kernels, which see to packed weights themselves */
  const replace = (kernelName: string, faster: Kernel, isComposed = false): void => {
    const original = tf.getKernel(kernelName, 'wasm');
    // A program may have registered but a part of tfjs-wasm's kernels.
    if (!original) return;
    const kernelFunc: tf.KernelConfig['kernelFunc'] = (call) => {
      const result = faster(call);
      if (result) return result;
      if (!isComposed) {
        for (const input of Object.values(call.inputs)) if (input) matrices.expectUnpacked(input);
      }
      return original.kernelFunc(call);
    };
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...original, kernelFunc });
  };
  replace('Add', add);
  replace('Conv2D', convolve);
  replace('FusedConv2D', convolve);
  replace('DepthwiseConv2dNative', convolveDepthwise);
  replace('FusedDepthwiseConv2D', convolveDepthwise);
  replace('ExpandedDepthwise', convolveExpanded, true);
  replace('BatchMatMul', multiplyMatrices);
  replace('_FusedMatMul', multiplyMatrices);
  replace('Identity', identity);
  replace('Mean', mean);
  replace('Multiply', multiplyChannels);
  replace('Sigmoid', mapEach(kernels.sigmoid));
  replace('Swish', mapEach(kernels.swish));
}

/** Nothing for factors that are not one for each value, or one for each channel of an image. */
function sidesOf(
  x: number[],
  factors: number[],
): Pick<KernelArguments<'multiplyChannels'>, 'batch' | 'pixels' | 'channels'> | undefined {
  if (tf.util.arraysEqual(x, factors))
    return { batch: 1, pixels: 1, channels: tf.util.sizeFromShape(x) };
  if (x.length !== 4) return;
  const [batch, height, width, channels] = x as Shape4D;
  if (!tf.util.arraysEqual(factors, [batch, 1, 1, channels])) return;
  return { batch, pixels: height * width, channels };
}
