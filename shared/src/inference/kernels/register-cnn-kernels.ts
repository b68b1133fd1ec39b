import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { mallocLines } from './arena.ts';
import {
  clamps,
  type InstantiateKernels,
  instantiateInHeap,
  products,
  type WasmHeap,
  WORK_BYTES,
} from './cnn-kernels.ts';
import type { ExpandedDepthwiseAttributes } from './composed-kernels.ts';
import { registerDequantize } from './dequantize.ts';
import { PackedMatrices } from './packed-matrices.ts';

type KernelCall = Parameters<tf.KernelConfig['kernelFunc']>[0];
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
 * @param instantiate of `cnn-kernels.wasm`, which needs relaxed SIMD
 */
export function registerCnnKernels(backend: BackendWasm, instantiate: InstantiateKernels): void {
  const heap = backend.wasm as unknown as WasmHeap;
  const kernels = instantiateInHeap(heap, instantiate);
  const matrices = new PackedMatrices(backend, heap, kernels);
  /** The same memory for every call, which keeps it in the cache. */
  const { at: scratch } = mallocLines(heap._malloc, SCRATCH_BYTES);
  const addressOf = (tensor: tf.TensorInfo | undefined): number =>
    tensor ? backend.getMemoryOffset(tensor.dataId) : 0;
  const multiply = (
    a: tf.TensorInfo,
    b: tf.TensorInfo,
    bias: tf.TensorInfo | undefined,
    [low, high]: readonly [number, number],
    [m, k, n]: readonly [number, number, number],
    outShape: number[],
  ): tf.TensorInfo => {
    const { at, product } = matrices.pack(b, k, n);
    const out = backend.makeOutput(outShape, 'float32');
    const to = addressOf(out);
    kernels[product](addressOf(a), m, k, at, n, addressOf(bias), low, high, to, scratch);
    return out;
  };

  const convolve: Kernel = (call) => {
    const { x, filter, bias } = call.inputs;
    const clamp = clampOf(call);
    const info = convolutionOf(call, false);
    if (!x || !filter || !clamp || !info || !isBias(bias, info.outChannels)) return;
    const { filterHeight, filterWidth, inChannels, outChannels, outShape, padInfo } = info;
    const k = filterHeight * filterWidth * inChannels;
    if (isPointwise(info)) {
      const m = tf.util.sizeFromShape(x.shape) / k;
      return multiply(x, filter, bias, clamp, [m, k, outChannels], outShape);
    }
    const patchCount = Math.max(MIN_PATCHES, Math.floor(PATCH_BYTES / (k * 4)));
    const { at: panels, product } = matrices.pack(filter, k, outChannels);
    const out = backend.makeOutput(outShape, 'float32');
    const bytes = WORK_BYTES + patchCount * k * 4;
    const work = bytes > SCRATCH_BYTES ? heap._malloc(bytes) : scratch;
    kernels.convolve(
      addressOf(x),
      info.batchSize,
      info.inHeight,
      info.inWidth,
      inChannels,
      filterHeight,
      filterWidth,
      info.strideHeight,
      info.strideWidth,
      padInfo.top,
      padInfo.left,
      info.outHeight,
      info.outWidth,
      panels,
      outChannels,
      addressOf(bias),
      ...clamp,
      addressOf(out),
      work + WORK_BYTES,
      patchCount,
      work,
      products.indexOf(product),
    );
    if (work !== scratch) heap._free(work);
    return out;
  };

  const convolveDepthwise: Kernel = (call) => {
    const { x, filter, bias } = call.inputs;
    const clamp = clampOf(call);
    const info = convolutionOf(call, true);
    if (!x || !filter || !clamp || !info || !isBias(bias, info.outChannels)) return;
    if (!hasLines(info)) return;
    const { filterWidth, strideWidth, padInfo } = info;
    const out = backend.makeOutput(info.outShape, 'float32');
    const isDone = kernels.convolveDepthwise(
      addressOf(x),
      info.batchSize,
      info.inHeight,
      info.inWidth,
      info.inChannels,
      addressOf(filter),
      info.filterHeight,
      filterWidth,
      info.strideHeight,
      strideWidth,
      padInfo.top,
      padInfo.left,
      info.outHeight,
      info.outWidth,
      addressOf(bias),
      ...clamp,
      addressOf(out),
      scratch,
      DEPTHWISE_BYTES,
    );
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
    const isDone = kernels.convolveExpanded(
      addressOf(x),
      info.batchSize,
      info.inHeight,
      info.inWidth,
      wide.inChannels,
      panels,
      product === 'multiplyInt8Weights',
      addressOf(bias),
      ...wideClamp,
      info.inChannels,
      addressOf(depthwiseFilter),
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
      info.outHeight,
      info.outWidth,
      addressOf(depthwiseBias),
      ...clamp,
      addressOf(out),
      scratch,
      SCRATCH_BYTES,
    );
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
    return batch && multiply(a, b, bias, clamp, [m, k, n], [...batch, n]);
  };

  const add: Kernel = ({ inputs: { a, b } }) => {
    if (!a || !b || !isFloat(a, b) || !tf.util.arraysEqual(a.shape, b.shape)) return;
    const out = backend.makeOutput(a.shape, 'float32');
    kernels.add(addressOf(a), addressOf(b), tf.util.sizeFromShape(a.shape), addressOf(out));
    return out;
  };

  const multiplyChannels: Kernel = ({ inputs: { a, b } }) => {
    if (!a || !b || !isFloat(a, b)) return;
    const isSmaller = tf.util.sizeFromShape(a.shape) < tf.util.sizeFromShape(b.shape);
    const [x, factors] = isSmaller ? [b, a] : [a, b];
    const sides = sidesOf(x.shape, factors.shape);
    if (!sides) return;
    const out = backend.makeOutput(x.shape, 'float32');
    kernels.multiplyChannels(addressOf(x), addressOf(factors), ...sides, addressOf(out));
    return out;
  };

  const mapEach =
    (kernel: (x: number, count: number, out: number) => void): Kernel =>
    ({ inputs: { x } }) => {
      if (!x || !isFloat(x)) return;
      const out = backend.makeOutput(x.shape, 'float32');
      kernel(addressOf(x), tf.util.sizeFromShape(x.shape), addressOf(out));
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
    kernels.meanOfPixels(addressOf(x), batch, height * width, channels, addressOf(out));
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

function clampOf({ inputs, attrs }: KernelCall): readonly [number, number] | undefined {
  if (inputs['preluActivationWeights']) return;
  const activation = (attrs?.['activation'] as string | undefined) ?? 'linear';
  return Object.hasOwn(clamps, activation) ? clamps[activation] : undefined;
}

function isFloat(...tensors: tf.TensorInfo[]): boolean {
  return tensors.every(({ dtype }) => dtype === 'float32');
}

function isBias(bias: tf.TensorInfo | undefined, channels: number): boolean {
  return !bias || (isFloat(bias) && bias.shape.length === 1 && bias.shape[0] === channels);
}

/** Nothing for factors that are not one for each value, or one for each channel of an image. */
function sidesOf(
  x: number[],
  factors: number[],
): readonly [batch: number, pixels: number, channels: number] | undefined {
  if (tf.util.arraysEqual(x, factors)) return [1, 1, tf.util.sizeFromShape(x)];
  if (x.length !== 4) return;
  const [batch, height, width, channels] = x as Shape4D;
  if (!tf.util.arraysEqual(factors, [batch, 1, 1, channels])) return;
  return [batch, height * width, channels];
}

/** Nothing for a convolution that is dilated, empty, or not of NHWC and float32. */
function convolutionOf({ inputs: { x, filter }, attrs }: KernelCall, depthwise: boolean) {
  if (!x || !filter || !isFloat(x, filter)) return;
  const { strides, pad, dilations, dataFormat, dimRoundingMode } = attrs as unknown as Attributes;
  if (dataFormat && dataFormat !== 'NHWC') return;
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as Shape4D,
    filter.shape as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
  const isCovered =
    info.dilationHeight * info.dilationWidth === 1 && tf.util.sizeFromShape(info.outShape) > 0;
  return isCovered ? info : undefined;
}

/** Whether it is a product of each pixel. */
function isPointwise(info: tf.backend_util.Conv2DInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  const areas = info.filterHeight * info.filterWidth * info.strideHeight * info.strideWidth;
  return areas === 1 && top + bottom + left + right === 0;
}

/** Whether there is a kernel for a depthwise convolution's lines. */
function hasLines({ filterWidth, strideWidth, ...info }: tf.backend_util.Conv2DInfo): boolean {
  const isNarrow = filterWidth === 3 || filterWidth === 5;
  return isNarrow && strideWidth <= 2 && info.outChannels === info.inChannels;
}

type Shape4D = [number, number, number, number];

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dilations?: number | [number, number];
  readonly dataFormat?: string;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
