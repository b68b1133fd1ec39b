import * as tf from '@tensorflow/tfjs';
import { activationGradient } from './activation.ts';
import { pad } from './forward.ts';
import type { ConvolutionStep, DropoutStep, Parameter, SoftmaxStep, Step } from './plan.ts';

/** Steps whose derivative follows from their inputs and output alone. */
export type PlainStep = Exclude<Step, ConvolutionStep | DropoutStep | SoftmaxStep>;

export interface StepGradients {
  /** The loss by each of the step's inputs. */
  readonly inputs: readonly tf.Tensor[];
  /** The loss by each of the step's parameters, but for frozen ones. */
  readonly parameters: readonly (readonly [Parameter, tf.Tensor])[];
}

/**
 * The derivative of one step, written out.
 *
 * @param dy the loss by the step's output, kept
 * @param needsInputGradient false where nothing that can learn lies in front of the step
 * @returns tensors that the caller disposes of
 */
export function stepGradients(
  step: PlainStep,
  inputs: readonly tf.Tensor[],
  output: tf.Tensor,
  dy: tf.Tensor,
  needsInputGradient: boolean,
): StepGradients {
  const parameters =
    step.kind === 'dense'
      ? [
          [
            step.kernel,
            () => tf.matMul(inputs[0] as tf.Tensor2D, dy as tf.Tensor2D, true),
          ] as const,
          [step.bias, () => dy.sum(0)] as const,
        ]
      : [];
  return {
    inputs: needsInputGradient ? inputGradients(step, inputs, output, dy) : [],
    parameters: parameters.flatMap(([parameter, gradient]) =>
      parameter.value.trainable ? [[parameter, gradient()] as const] : [],
    ),
  };
}

function inputGradients(
  step: PlainStep,
  inputs: readonly tf.Tensor[],
  output: tf.Tensor,
  dy: tf.Tensor,
): tf.Tensor[] {
  const [x] = inputs as [tf.Tensor4D];
  switch (step.kind) {
    case 'affine':
      return [dy.mul(step.batchNorm.scale)];
    case 'activation':
      return [activationGradient(step.activation, dy, x, output)];
    case 'add':
      return inputs.map(() => dy.clone());
    case 'multiply':
      return tf.tidy(() => {
        const [, gate] = inputs as [tf.Tensor, tf.Tensor];
        return [dy.mul(gate), dy.mul(x).sum([1, 2], true)];
      });
    case 'concat':
      return tf.split(
        dy,
        inputs.map(({ shape }) => shape.at(-1) as number),
        -1,
      );
    case 'max-pool':
      return [run(tf.MaxPoolGrad, { dy, input: x, output }, poolAttributes(step))];
    case 'average-pool':
      return [run(tf.AvgPoolGrad, { dy, input: x }, poolAttributes(step))];
    case 'pad': {
      const [top, bottom] = step.rows;
      const [left, right] = step.columns;
      return [pad(dy as tf.Tensor4D, { rows: [-top, -bottom], columns: [-left, -right] })];
    }
    case 'local-response-normalization': {
      const { radius: depthRadius, bias, alpha, beta } = step;
      return [run(tf.LRNGrad, { x, y: output, dy }, { depthRadius, bias, alpha, beta })];
    }
    case 'global-average-pool':
      return tf.tidy(() => {
        const [n, height, width, channels] = x.shape;
        const spread = dy.div(height * width).reshape([n, 1, 1, channels]);
        return [tf.zerosLike(x).add(spread)];
      });
    case 'global-max-pool':
      return tf.tidy(() => {
        const [n, , , channels] = x.shape;
        const largest = x.equal(output.reshape([n, 1, 1, channels])).cast('float32');
        // Shared where several are the largest, as TensorFlow does it.
        return [largest.div(largest.sum([1, 2], true)).mul(dy.reshape([n, 1, 1, channels]))];
      });
    case 'reshape':
      return [dy.reshape(x.shape)];
    case 'dense':
      return [tf.matMul(dy as tf.Tensor2D, step.kernel.value as tf.Tensor2D, false, true)];
  }
}

function poolAttributes({
  size,
  strides,
  padding,
}: Extract<Step, { kind: 'max-pool' | 'average-pool' }>): object {
  return { filterSize: size, strides, pad: padding, dimRoundingMode: undefined };
}

function run(kernel: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs, attributes as tf.NamedAttrMap);
}
