import * as tf from '@tensorflow/tfjs';
import { type ConvolutionWeights, scaleBias } from './batch-norm/fold-batch-norm.ts';
import type { BackwardContext, StepGradients } from './operation.ts';
import { runKernel } from './run-kernel.ts';
import type { Padding } from './window.ts';

/** The activations that a convolution applies in the same pass. */
export type FusedActivation = 'linear' | 'relu' | 'relu6';

/** A convolution, its bias, a frozen BatchNorm, then an activation. */
export interface FusedConvolution extends ConvolutionWeights {
  /** Groups of the input's channels, each read by its own group of filters only. */
  readonly groups: number;
  readonly strides: [number, number];
  readonly padding: Padding;
  readonly activation: FusedActivation;
}

/**
 * The convolution by a kernel that multiplies the filter by BatchNorm's scale itself.
 *
 * @returns undefined where the backend has none for it
 */
export function fusedForward(step: FusedConvolution, x: tf.Tensor): tf.Tensor | undefined {
  if (!isPointwise(step) || !hasKernel('GraftPointwise')) return undefined;
  return tf.tidy(() => {
    const bias = scaleBias(step) ?? tf.zeros([filtersOf(step)]);
    const inputs = { x, filter: step.kernel.value, scale: scaleOf(step), bias };
    return runKernel('GraftPointwise', inputs, attributesOf(step, false));
  });
}

/**
 * The gradients of input and filter, with the activation's and BatchNorm's, by one kernel.
 *
 * @returns undefined where the backend has none for it
 */
export function fusedGradients(
  step: FusedConvolution,
  { inputs, output: y, dy, needsInputGradient }: BackwardContext,
): StepGradients | undefined {
  const { kernel, bias, depthwise } = step;
  const kernelName = depthwise ? 'GraftDepthwiseGradients' : 'GraftPointwiseGradients';
  const isCovered = (depthwise || isPointwise(step)) && hasKernel(kernelName);
  if (!isCovered || !kernel.value.trainable || bias?.value.trainable) return undefined;
  const [byInput, byFilter] = tf.tidy(() => {
    const [x] = inputs as [tf.Tensor];
    const tensors = { x, filter: kernel.value, scale: scaleOf(step), y, dy };
    return runKernel<tf.Tensor[]>(kernelName, tensors, attributesOf(step, needsInputGradient));
  }) as [tf.Tensor, tf.Tensor];
  if (!needsInputGradient) byInput.dispose();
  return { inputs: needsInputGradient ? [byInput] : [], parameters: [[kernel, byFilter]] };
}

function hasKernel(kernelName: string): boolean {
  return tf.getKernel(kernelName, tf.getBackend()) !== undefined;
}

/** Whether it is a matrix product. */
function isPointwise({ kernel, depthwise, groups, strides }: FusedConvolution): boolean {
  const [height, width] = kernel.value.shape as [number, number];
  return !depthwise && [height, width, groups, ...strides].every((size) => size === 1);
}

function filtersOf({ kernel, depthwise }: FusedConvolution): number {
  return kernel.value.shape[depthwise ? 2 : 3] as number;
}

/** BatchNorm's factor of each filter. */
function scaleOf(step: FusedConvolution): tf.Tensor {
  return step.batchNorm?.scale ?? tf.ones([filtersOf(step)]);
}

/** @param needsInputGradient otherwise the gradient of the input is an empty tensor */
function attributesOf(
  { activation, strides, padding: pad }: FusedConvolution,
  needsInputGradient: boolean,
) {
  return { activation, strides, pad, needsInputGradient };
}
