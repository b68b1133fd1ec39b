import * as tf from '@tensorflow/tfjs';
import { type NamedTensor, toNamedTensor } from '../named-tensor.ts';
import type { Parameter } from '../operation.ts';
import type { FrozenBatchNorm } from './frozen-batch-norm.ts';

/** A convolution's numbers. */
export interface ConvolutionWeights {
  readonly depthwise: boolean;
  /** `[height, width, in / groups, out]`, or depthwise `[height, width, channels, 1]`. */
  readonly kernel: Parameter;
  readonly bias: Parameter | undefined;
  readonly batchNorm: FrozenBatchNorm | undefined;
}

/** A convolution that has taken in its BatchNorm. */
export interface FoldedConvolution {
  /** `[height, width, in, out]`, or depthwise `[height, width, channels, 1]`. */
  readonly kernel: NamedTensor;
  /** `[out]`, zeros for a convolution with neither bias nor BatchNorm. */
  readonly bias: NamedTensor;
}

/** `BatchNorm(conv(x, k) + b) = conv(x, k · scale) + b · scale + shift` (Jacob et al. 2018, §3.2). */
export async function foldBatchNorm(weights: ConvolutionWeights): Promise<FoldedConvolution> {
  const kernel = scaleKernel(weights);
  const bias = scaleBias(weights) ?? tf.zeros([kernel.shape[weights.depthwise ? 2 : 3]]);
  try {
    return { kernel: await toNamedTensor(kernel), bias: await toNamedTensor(bias) };
  } finally {
    tf.dispose([kernel, bias]);
  }
}

/** A convolution's kernel times its BatchNorm's scale; the caller disposes of it. */
export function scaleKernel({ kernel, batchNorm }: ConvolutionWeights): tf.Tensor4D {
  const { value } = kernel;
  return batchNorm ? value.mul<tf.Tensor4D>(batchNorm.scale) : (value.clone() as tf.Tensor4D);
}

/** What a convolution adds, `BatchNorm(bias)`, if anything; the caller disposes of it. */
export function scaleBias({ bias, batchNorm }: ConvolutionWeights): tf.Tensor1D | undefined {
  if (!batchNorm) return bias?.value.clone() as tf.Tensor1D | undefined;
  if (!bias) return batchNorm.shift.clone();
  return tf.tidy(() => bias.value.mul<tf.Tensor1D>(batchNorm.scale.flatten()).add(batchNorm.shift));
}
