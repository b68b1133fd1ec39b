import * as tf from '@tensorflow/tfjs';
import type { Activation, ConvolutionStep } from './plan.ts';

/** What the backward pass of a convolution needs from its forward pass. */
export interface ConvolutionRun {
  readonly input: tf.Tensor4D;
  readonly output: tf.Tensor4D;
  /** The kernel times BatchNorm's scale. */
  readonly scaledKernel: tf.Tensor4D;
}

/**
 * Convolution, frozen BatchNorm and activation as one operation: BatchNorm's scale multiplies the
 * kernel rather than the much larger output, and its shift is the bias.
 *
 * @param input `[n, height, width, channels]`; the caller disposes of all three tensors of the run
 */
export function runConvolution(step: ConvolutionStep, input: tf.Tensor4D): ConvolutionRun {
  const scaledKernel = step.kernel.value.mul<tf.Tensor4D>(step.batchNorm.scale);
  const convolve = step.depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
  const output = convolve({
    x: input,
    filter: scaledKernel,
    strides: step.strides,
    pad: step.padding,
    bias: step.batchNorm.shift,
    activation: step.activation,
  });
  return { input, output, scaledKernel };
}

/**
 * @param outputGradient the loss by the step's output
 * @param needsInputGradient false for the first convolution, whose input is the photo
 * @returns the loss by the unscaled kernel, and by the input
 */
export function convolutionGradients(
  step: ConvolutionStep,
  { input, output, scaledKernel }: ConvolutionRun,
  outputGradient: tf.Tensor4D,
  needsInputGradient: boolean,
): { kernel: tf.Tensor; input: tf.Tensor4D | undefined } {
  return tf.tidy(() => {
    const dy = activationGradient(step.activation, outputGradient, output);
    const attributes = { strides: step.strides, pad: step.padding, dimRoundingMode: undefined };
    const filterShape = scaledKernel.shape;
    const inputShape = input.shape;
    const [byFilter, byInput] = step.depthwise
      ? [tf.DepthwiseConv2dNativeBackpropFilter, tf.DepthwiseConv2dNativeBackpropInput]
      : [tf.Conv2DBackpropFilter, tf.Conv2DBackpropInput];
    const layout = step.depthwise ? { dilations: [1, 1] } : { dataFormat: 'NHWC' };
    const scaled = run(byFilter, { x: input, dy }, { ...attributes, ...layout, filterShape });
    return {
      // scaledKernel = kernel · scale, so the chain rule gives the same factor.
      kernel: scaled.mul(step.batchNorm.scale),
      input: needsInputGradient
        ? run(byInput, { dy, filter: scaledKernel }, { ...attributes, ...layout, inputShape })
        : undefined,
    };
  });
}

function activationGradient(activation: Activation, dy: tf.Tensor4D, y: tf.Tensor4D): tf.Tensor4D {
  if (activation === 'linear') return dy;
  const kernel = activation === 'relu6' ? 'Relu6Grad' : 'ReluGrad';
  // One pass over the activations where the backend has it, in place of five.
  if (tf.getKernel(kernel, tf.getBackend())) return run(kernel, { dy, y }, {});
  const positive = y.greater(0);
  const open = activation === 'relu6' ? positive.logicalAnd(y.less(6)) : positive;
  return dy.mul(open.cast('float32'));
}

function run(kernel: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor4D {
  return tf.engine().runKernel(kernel, inputs, attributes as tf.NamedAttrMap);
}
