import * as tf from '@tensorflow/tfjs';

export const BETA1 = 0.9;
export const BETA2 = 0.999;
const EPSILON = 1e-7;

// No interface: tf.tidy wants a type that could have any name in it.
export type AdamState = {
  readonly value: tf.Tensor;
  /** The gradient's and its square's moving averages. */
  readonly mean: tf.Tensor;
  readonly square: tf.Tensor;
};

export interface AdamNumbers {
  /** What the gradient is multiplied with. */
  readonly scale: number;
  /** The factor that decays the value. */
  readonly stays: number;
  /** The learning rate, times the correction of both moments (Kingma & Ba 2015, §2). */
  readonly rate: number;
}

/**
 * Adam's next values, in one operation where the backend has it.
 *
 * @returns tensors that the caller disposes of
 */
export function adamStep(
  { value, gradient, mean, square }: AdamState & { readonly gradient: tf.Tensor },
  { scale, stays, rate }: AdamNumbers,
): AdamState {
  return tf.tidy(() => {
    if (tf.getKernel('GraftAdamStep', tf.getBackend())) {
      const inputs = { value, gradient, mean, square, numbers: tf.tensor1d([scale, stays, rate]) };
      const next = tf.engine().runKernel<tf.Tensor[]>('GraftAdamStep', inputs);
      return { value: next[0], mean: next[1], square: next[2] } as unknown as AdamState;
    }
    const scaled = scale === 1 ? gradient : gradient.mul(scale);
    const nextMean = mean.add(scaled.sub(mean).mul(1 - BETA1));
    const squareError = scaled.square().sub(square);
    const nextSquare = square.add(squareError.mul(1 - BETA2));
    const change = nextMean.mul(rate).div(nextSquare.sqrt().add(EPSILON));
    const stay = stays === 1 ? value : value.mul(stays);
    return { value: stay.sub(change), mean: nextMean, square: nextSquare };
  });
}

/**
 * A moving average's next values, in one operation where the backend has it.
 *
 * @param share of `value`, 0–1
 * @returns a tensor that the caller disposes of
 */
export function movingAverage(average: tf.Tensor, value: tf.Tensor, share: number): tf.Tensor {
  return tf.tidy(() => {
    if (tf.getKernel('GraftMovingAverage', tf.getBackend())) {
      const inputs = { average, value, numbers: tf.tensor1d([share]) };
      return tf.engine().runKernel<tf.Tensor>('GraftMovingAverage', inputs);
    }
    return average.add(value.sub(average).mul(share));
  });
}
