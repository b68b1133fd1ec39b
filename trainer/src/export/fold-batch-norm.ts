import * as tf from '@tensorflow/tfjs';
import { scaleBias, scaleKernel } from '../plan/convolution.ts';
import type { ConvolutionStep } from '../plan/plan.ts';
import type { NamedTensor } from '../weights/safetensors.ts';
import { toNamedTensor } from '../weights/to-named-tensor.ts';

/** A convolution that has taken in its BatchNorm. */
export interface FoldedConvolution {
  /** `[height, width, in, out]`, or depthwise `[height, width, channels, 1]`. */
  readonly kernel: NamedTensor;
  /** `[out]`, zeros for a convolution with neither bias nor BatchNorm. */
  readonly bias: NamedTensor;
}

/** `BatchNorm(conv(x, k) + b) = conv(x, k · scale) + b · scale + shift` (Jacob et al. 2018, §3.2). */
export async function foldBatchNorm(step: ConvolutionStep): Promise<FoldedConvolution> {
  const kernel = scaleKernel(step);
  const bias = scaleBias(step) ?? tf.zeros([kernel.shape[step.depthwise ? 2 : 3]]);
  try {
    return { kernel: await toNamedTensor(kernel), bias: await toNamedTensor(bias) };
  } finally {
    tf.dispose([kernel, bias]);
  }
}
