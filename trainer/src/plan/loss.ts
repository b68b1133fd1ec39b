import * as tf from '@tensorflow/tfjs';
import type { LossGradient } from './run.ts';

/**
 * Mean cross-entropy of the softmax of `logits`, with its derivative, `(softmax − targets) / n`
 * where every example has weight 1.
 *
 * @param logits `[n, classes]`
 * @param targets `[n, classes]`, each row a probability distribution, multiplied by the example's weight
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): LossGradient {
  const [gradient, loss] = tf.tidy(() => {
    const shifted = logits.sub(logits.max(1, true));
    const exponentials = shifted.exp();
    const sums = exponentials.sum(1, true);
    // log softmax without the logarithm of a probability that may underflow to 0.
    const logProbabilities = shifted.sub(sums.log());
    const n = logits.shape[0];
    return [
      exponentials
        .mul(targets.sum(1, true))
        .div<tf.Tensor2D>(sums)
        .sub<tf.Tensor2D>(targets)
        .div<tf.Tensor2D>(n),
      logProbabilities.mul(targets).sum<tf.Scalar>().div<tf.Scalar>(-n),
    ];
  });
  return { loss, logits: gradient };
}
