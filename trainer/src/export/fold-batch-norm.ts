import * as tf from '@tensorflow/tfjs';
import type { ConvolutionStep } from '../plan/plan.ts';
import type { NamedTensor } from '../weights/safetensors.ts';

/** A convolution that has taken in its BatchNorm. */
export interface FoldedConvolution {
  /** `[height, width, in, out]`, or depthwise `[height, width, channels, 1]`. */
  readonly kernel: NamedTensor;
  /** `[out]` */
  readonly bias: NamedTensor;
}

/** `BatchNorm(conv(x, k)) = conv(x, k · scale) + shift` (Jacob et al. 2018, §3.2). */
export async function foldBatchNorm({
  kernel,
  batchNorm,
}: Pick<ConvolutionStep, 'kernel' | 'batchNorm'>): Promise<FoldedConvolution> {
  const folded = tf.tidy(() => kernel.value.mul(batchNorm.scale));
  try {
    return { kernel: await toNamedTensor(folded), bias: await toNamedTensor(batchNorm.shift) };
  } finally {
    folded.dispose();
  }
}

/** Copies a tensor's values out of the backend. */
export async function toNamedTensor(tensor: tf.Tensor): Promise<NamedTensor> {
  return { shape: tensor.shape, values: Float32Array.from(await tensor.data()) };
}
