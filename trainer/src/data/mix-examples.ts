import * as tf from '@tensorflow/tfjs';
import type { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train-config.ts';

/** A batch: `[n, size, size, 3]` and the class of each as a distribution, `[n, classes]`. */
export interface Batch {
  readonly inputs: tf.Tensor;
  readonly truth: tf.Tensor2D;
}

/**
 * Mixes each photo of a batch, as chance has it, with the one as far from the batch's other end:
 * blended (mixup, Zhang et al. 2018) or with a rectangle of it (cutmix, Yun et al. 2019), and the
 * classes in the same proportion. A batch is mixed as a whole, as timm does it.
 *
 * @param batch disposed of
 * @returns another one, of the same shape; the caller disposes of it
 */
export function mixExamples(
  { inputs, truth }: Batch,
  { mixup, cutmix }: TrainConfig['augment'],
  random: Random,
): Batch {
  const draw = random.float();
  if (draw >= cutmix.probability + mixup.probability) return { inputs, truth };
  const [mixed, mixedTruth] = tf.tidy(() => {
    const [, height, width] = inputs.shape as [number, number, number, number];
    const others = inputs.reverse(0);
    if (draw < cutmix.probability) {
      const box = drawBox(beta(cutmix.alpha, random), height, width, random);
      const share = (box.height * box.width) / (height * width);
      const inside = tf.ones([1, box.height, box.width, 1]).pad([
        [0, 0],
        [box.top, height - box.top - box.height],
        [box.left, width - box.left - box.width],
        [0, 0],
      ]);
      return [
        inputs.add(others.sub(inputs).mul(inside)),
        blend(truth, truth.reverse(0), share),
      ] as const;
    }
    const share = beta(mixup.alpha, random);
    return [blend(inputs, others, share), blend(truth, truth.reverse(0), share)] as const;
  });
  tf.dispose([inputs, truth]);
  return { inputs: mixed, truth: mixedTruth };
}

/** @param share of `b`, 0–1 */
function blend<T extends tf.Tensor>(a: T, b: T, share: number): T {
  return a.mul<T>(1 - share).add<T>(b.mul(share));
}

/** A rectangle of about `share` of the area, with the photo's proportions, cut off at its border. */
function drawBox(share: number, height: number, width: number, random: Random) {
  const side = Math.sqrt(share);
  const [top, bottom] = drawSpan(Math.round(height * side), height, random);
  const [left, right] = drawSpan(Math.round(width * side), width, random);
  return { top, left, height: bottom - top, width: right - left };
}

function drawSpan(length: number, whole: number, random: Random): [from: number, to: number] {
  const from = random.below(whole) - Math.floor(length / 2);
  return [Math.max(0, from), Math.min(whole, from + length)];
}

/** From the symmetric beta distribution (Jöhnk 1964). */
function beta(alpha: number, random: Random): number {
  for (;;) {
    const a = random.float() ** (1 / alpha);
    const b = random.float() ** (1 / alpha);
    if (a + b <= 1 && a + b > 0) return a / (a + b);
  }
}
