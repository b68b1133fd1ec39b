import * as tf from '@tensorflow/tfjs';

export const BETA1 = 0.9;
const EPSILON = 1e-7;

// A type, not an interface: tf.tidy accepts only types with an implicit index signature.
export type AdamState = {
  readonly value: tf.Tensor;
  /** Moving averages of the gradient and of its square. */
  readonly mean: tf.Tensor;
  readonly square: tf.Tensor;
};

export interface AdamNumbers {
  /** Factor of the value, 1 − learning rate × weight decay. */
  readonly stays: number;
  /** The learning rate, times the bias correction of both moments (Kingma & Ba 2015, §2). */
  readonly rate: number;
  /** Decay of the average of squares, β₂. */
  readonly beta2: number;
}

/**
 * One step of Adam, in a single operation where the backend has one.
 *
 * @returns tensors that the caller disposes of
 */
export function adamStep(
  { value, gradient, mean, square }: AdamState & { readonly gradient: tf.Tensor },
  { stays, rate, beta2 }: AdamNumbers,
): AdamState {
  return tf.tidy(() => {
    if (tf.getKernel('GraftAdamStep', tf.getBackend())) {
      const inputs = {
        value,
        gradient,
        mean,
        square,
        numbers: tf.tensor1d([stays, rate, 1 - beta2]),
      };
      const next = tf.engine().runKernel<tf.Tensor[]>('GraftAdamStep', inputs);
      return { value: next[0], mean: next[1], square: next[2] } as unknown as AdamState;
    }
    const nextMean = mean.add(gradient.sub(mean).mul(1 - BETA1));
    const squareError = gradient.square().sub(square);
    const nextSquare = square.add(squareError.mul(1 - beta2));
    const change = nextMean.mul(rate).div(nextSquare.sqrt().add(EPSILON));
    const stay = stays === 1 ? value : value.mul(stays);
    return { value: stay.sub(change), mean: nextMean, square: nextSquare };
  });
}

/**
 * One step of an exponential moving average, in a single operation where the backend has one.
 *
 * @param share weight of `value`, 0–1
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
