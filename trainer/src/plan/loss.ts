import * as tf from '@tensorflow/tfjs';
import { isMultiLabel, type Plan } from './plan.ts';
import type { LossGradient } from './run.ts';

/**
 * The loss of a plan: of a softmax over the classes, or of a sigmoid each.
 *
 * @param classWeights of the labels of images with several; those of images with one are in the targets
 */
export function lossOf(
  plan: Plan,
  classWeights?: readonly number[],
): (logits: tf.Tensor2D, targets: tf.Tensor2D) => LossGradient {
  if (!isMultiLabel(plan)) return softmaxCrossEntropy;
  return (logits, targets) => sigmoidCrossEntropy(logits, targets, classWeights);
}

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

/**
 * Binary cross-entropy of the sigmoids of `logits`, summed over the classes and averaged over the examples,
 * with its derivative, `(sigmoid − targets) / n` where every class has weight 1.
 *
 * @param logits `[n, classes]`
 * @param targets `[n, classes]`, 0–1
 * @param weights of each class's presence, not of its absence; 1 by default
 */
export function sigmoidCrossEntropy(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  weights?: readonly number[],
): LossGradient {
  const [gradient, loss] = tf.tidy(() => {
    const n = logits.shape[0];
    const present = weights ? targets.mul<tf.Tensor2D>(tf.tensor1d([...weights])) : targets;
    const all = present.add(tf.sub(1, targets));
    // log(1 + e^x) for x of any size.
    const softplus = logits.relu().add(logits.abs().neg().exp().log1p());
    return [
      logits.sigmoid().mul(all).sub<tf.Tensor2D>(present).div<tf.Tensor2D>(n),
      softplus.mul(all).sub(logits.mul(present)).sum<tf.Scalar>().div<tf.Scalar>(n),
    ];
  });
  return { loss, logits: gradient };
}
