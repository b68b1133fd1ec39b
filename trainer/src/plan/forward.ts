import * as tf from '@tensorflow/tfjs';
import { activate } from './activation.ts';
import { runConvolution } from './convolution.ts';
import type { PadStep, Step } from './plan.ts';

/**
 * Runs one step in inference mode.
 *
 * @returns the step's output; the caller disposes of it
 */
export function runStep(step: Step, inputs: readonly tf.Tensor[]): tf.Tensor {
  const [x, second] = inputs as [tf.Tensor4D, tf.Tensor4D];
  switch (step.kind) {
    case 'convolution': {
      const { output, scaledKernel } = runConvolution(step, x);
      scaledKernel.dispose();
      return output;
    }
    case 'affine':
      return tf.tidy(() => x.mul(step.batchNorm.scale).add(step.batchNorm.shift));
    case 'activation':
      return activate(step.activation, x);
    case 'add':
      return tf.tidy(() => inputs.slice(1).reduce<tf.Tensor>((sum, next) => sum.add(next), x));
    case 'multiply':
      return x.mul(second);
    case 'concat':
      return tf.concat([...inputs], -1);
    case 'max-pool':
      return tf.maxPool(x, step.size, step.strides, step.padding);
    case 'average-pool':
      return tf.avgPool(x, step.size, step.strides, step.padding);
    case 'pad':
      return pad(x, step);
    case 'local-response-normalization':
      return tf.localResponseNormalization(x, step.radius, step.bias, step.alpha, step.beta);
    case 'global-average-pool':
      return x.mean([1, 2]);
    case 'global-max-pool':
      return x.max([1, 2]);
    case 'reshape':
      return x.reshape([x.shape[0], ...step.shape]);
    case 'dropout':
      return x.clone();
    case 'dense': {
      const { kernel, bias } = step;
      return tf.tidy(() =>
        tf.matMul(inputs[0] as tf.Tensor2D, kernel.value as tf.Tensor2D).add(bias.value),
      );
    }
    case 'softmax':
      return tf.softmax(inputs[0] as tf.Tensor);
  }
}

/** Adds zeros where the step's numbers are positive, and takes away where they are negative. */
export function pad(
  x: tf.Tensor4D,
  { rows, columns }: Pick<PadStep, 'rows' | 'columns'>,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [top, bottom] = rows.map((count) => Math.max(count, 0)) as [number, number];
    const [left, right] = columns.map((count) => Math.max(count, 0)) as [number, number];
    const { begin, size } = kept(x.shape, { rows, columns });
    const cropped = tf.slice(x, begin, size);
    return tf.pad(cropped, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  });
}

/** What a pad step leaves of its input, as `tf.slice` takes it. */
function kept(
  [n, height, width, channels]: readonly [number, number, number, number],
  { rows, columns }: Pick<PadStep, 'rows' | 'columns'>,
): { begin: [number, number, number, number]; size: [number, number, number, number] } {
  const [top, bottom] = rows.map((count) => Math.max(-count, 0)) as [number, number];
  const [left, right] = columns.map((count) => Math.max(-count, 0)) as [number, number];
  return {
    begin: [0, top, left, 0],
    size: [n, height - top - bottom, width - left - right, channels],
  };
}
