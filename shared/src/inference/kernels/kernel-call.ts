import * as tf from '@tensorflow/tfjs-core';
import { type Clamp, clamps } from './cnn-kernels.ts';

/** What tfjs asks of a kernel. */
export type KernelCall = Parameters<tf.KernelConfig['kernelFunc']>[0];

/** Nothing for an activation that the kernels do not fuse. */
export function clampOf({ inputs, attrs }: KernelCall): Clamp | undefined {
  if (inputs['preluActivationWeights']) return;
  const activation = (attrs?.['activation'] as string | undefined) ?? 'linear';
  return Object.hasOwn(clamps, activation) ? clamps[activation] : undefined;
}

export function isFloat(...tensors: tf.TensorInfo[]): boolean {
  return tensors.every(({ dtype }) => dtype === 'float32');
}

export function isBias(bias: tf.TensorInfo | undefined, channels: number): boolean {
  return !bias || (isFloat(bias) && bias.shape.length === 1 && bias.shape[0] === channels);
}

/** Nothing for a convolution that is dilated, empty, or not of NHWC and float32. */
export function convolutionOf({ inputs: { x, filter }, attrs }: KernelCall, depthwise: boolean) {
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

export interface FusedConvolution {
  readonly x: tf.TensorInfo;
  readonly filter: tf.TensorInfo;
  readonly bias: tf.TensorInfo | undefined;
  readonly clamp: Clamp;
  readonly info: tf.backend_util.Conv2DInfo;
}

/** Nothing where {@link convolutionOf} or {@link clampOf} has nothing, or for another bias. */
export function fusedConvolutionOf(
  call: KernelCall,
  depthwise: boolean,
): FusedConvolution | undefined {
  const { x, filter, bias } = call.inputs;
  const clamp = clampOf(call);
  const info = convolutionOf(call, depthwise);
  if (!x || !filter || !clamp || !info || !isBias(bias, info.outChannels)) return;
  return { x, filter, bias, clamp, info };
}

/** Whether it is a product of each pixel. */
export function isPointwise(info: tf.backend_util.Conv2DInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  const areas = info.filterHeight * info.filterWidth * info.strideHeight * info.strideWidth;
  return areas === 1 && top + bottom + left + right === 0;
}

/** Whether there is a kernel for a depthwise convolution's lines. */
export function hasLines(info: tf.backend_util.Conv2DInfo): boolean {
  const isNarrow = info.filterWidth === 3 || info.filterWidth === 5;
  return isNarrow && info.strideWidth <= 2 && info.outChannels === info.inChannels;
}

/** The kernels' arguments that say a convolution's shape, but for its channels. */
export function shapeArguments(info: tf.backend_util.Conv2DInfo) {
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    filterHeight: info.filterHeight,
    filterWidth: info.filterWidth,
    strideY: info.strideHeight,
    strideX: info.strideWidth,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
  };
}

export type Shape4D = [number, number, number, number];

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dilations?: number | [number, number];
  readonly dataFormat?: string;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}
