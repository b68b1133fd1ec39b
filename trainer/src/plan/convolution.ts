import * as tf from '@tensorflow/tfjs';
import { activationGradient } from './activation.ts';
import type { ConvolutionStep } from './plan.ts';

/** What the backward pass of a convolution needs from its forward pass. */
export interface ConvolutionRun {
  readonly input: tf.Tensor4D;
  readonly output: tf.Tensor4D;
  /** The kernel times BatchNorm's scale. */
  readonly scaledKernel: tf.Tensor4D;
}

/**
 * Convolution, bias, frozen BatchNorm and activation as one operation: BatchNorm's scale
 * multiplies the kernel rather than the much larger output, and its shift is the bias.
 *
 * @param input `[n, height, width, channels]`; the caller disposes of all three tensors of the run
 */
export function runConvolution(step: ConvolutionStep, input: tf.Tensor4D): ConvolutionRun {
  const { output, scaledKernel } = tf.tidy(() => {
    const scaledKernel = scaleKernel(step);
    const convolve = step.depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    const { strides, padding: pad, activation } = step;
    const bias = scaleBias(step);
    const parts = bias ? [input, scaledKernel, bias] : [input, scaledKernel];
    const output = byGroup(step.groups, parts, ([x, filter, bias]) =>
      convolve({
        x: x as tf.Tensor4D,
        filter: filter as tf.Tensor4D,
        ...(bias ? { bias } : {}),
        strides,
        pad,
        activation,
      }),
    );
    return { output: output as tf.Tensor4D, scaledKernel };
  });
  return { input, output, scaledKernel };
}

/** The loss by a convolution's parameters, but for frozen ones, and by its input. */
export interface ConvolutionGradients {
  /** By the unscaled kernel. */
  readonly kernel: tf.Tensor | undefined;
  readonly bias: tf.Tensor | undefined;
  readonly input: tf.Tensor4D | undefined;
}

/**
 * @param outputGradient the loss by the step's output
 * @param needsInputGradient false for the first convolution, whose input is the photo
 */
export function convolutionGradients(
  step: ConvolutionStep,
  { input, output, scaledKernel }: ConvolutionRun,
  outputGradient: tf.Tensor4D,
  needsInputGradient: boolean,
): ConvolutionGradients {
  const { kernel, bias, batchNorm, depthwise, groups, strides, padding: pad } = step;
  return tf.tidy(() => {
    const dy =
      step.activation === 'linear'
        ? outputGradient
        : activationGradient(step.activation, outputGradient, output, output);
    const attributes = {
      ...{ strides, pad, dimRoundingMode: undefined },
      ...(depthwise ? { dilations: [1, 1] } : { dataFormat: 'NHWC' }),
    };
    const [byFilter, byInput] = depthwise
      ? [tf.DepthwiseConv2dNativeBackpropFilter, tf.DepthwiseConv2dNativeBackpropInput]
      : [tf.Conv2DBackpropFilter, tf.Conv2DBackpropInput];
    const shared = (shape: number[]) => [...shape.slice(0, 3), (shape[3] as number) / groups];
    const filterShape = shared(scaledKernel.shape);
    const inputShape = shared(input.shape);
    const scaled = kernel.value.trainable
      ? byGroup(groups, [input, dy], ([x, dy]) =>
          run(byFilter, { x, dy } as tf.NamedTensorMap, { ...attributes, filterShape }),
        )
      : undefined;
    const biasGradient = bias?.value.trainable ? dy.sum<tf.Tensor1D>([0, 1, 2]) : undefined;
    return {
      // scaledKernel = kernel · scale, so the chain rule gives the same factor; so for the bias.
      kernel: scaled && batchNorm ? scaled.mul(batchNorm.scale) : scaled,
      bias: biasGradient && batchNorm ? biasGradient.mul(batchNorm.scale.flatten()) : biasGradient,
      input: needsInputGradient
        ? (byGroup(groups, [dy, scaledKernel], ([dy, filter]) =>
            run(byInput, { dy, filter } as tf.NamedTensorMap, { ...attributes, inputShape }),
          ) as tf.Tensor4D)
        : undefined,
    };
  });
}

/** A convolution's kernel times its BatchNorm's scale; the caller disposes of it. */
export function scaleKernel({ kernel, batchNorm }: ConvolutionStep): tf.Tensor4D {
  const { value } = kernel;
  return batchNorm ? value.mul<tf.Tensor4D>(batchNorm.scale) : (value.clone() as tf.Tensor4D);
}

/** What a convolution adds, `BatchNorm(bias)`, if anything; the caller disposes of it. */
export function scaleBias({ bias, batchNorm }: ConvolutionStep): tf.Tensor1D | undefined {
  if (!batchNorm) return bias?.value.clone() as tf.Tensor1D | undefined;
  if (!bias) return batchNorm.shift.clone();
  return tf.tidy(() => bias.value.mul<tf.Tensor1D>(batchNorm.scale.flatten()).add(batchNorm.shift));
}

/** Splits tensors along their last dimension, and joins what comes of each share. */
export function byGroup(
  groups: number,
  tensors: readonly tf.Tensor[],
  compute: (parts: readonly tf.Tensor[]) => tf.Tensor,
): tf.Tensor {
  if (groups === 1) return compute(tensors);
  const parts = tensors.map((tensor) => tf.split(tensor, groups, tensor.rank - 1));
  const results = Array.from({ length: groups }, (_, group) =>
    compute(parts.map((shares) => shares[group] as tf.Tensor)),
  );
  return tf.concat(results, 3);
}

function run(kernel: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor4D {
  return tf.engine().runKernel(kernel, inputs, attributes as tf.NamedAttrMap);
}
