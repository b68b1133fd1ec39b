import * as tf from '@tensorflow/tfjs';
import type { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train-config.ts';

/** A training batch: images `[n, size, size, 3]` and target distributions `[n, classes]`. */
export interface Batch {
  readonly inputs: tf.Tensor;
  readonly targets: tf.Tensor2D;
}

/**
 * Applies mixup (Zhang et al. 2018) or cutmix (Yun et al. 2019) to a batch, each with its probability:
 * every image is blended with the image at the mirrored position of the batch, or receives a rectangle of
 * it, and the targets are mixed in the same proportion. One draw decides for the whole batch, as in timm.
 *
 * @param batch is disposed of
 * @returns a batch of the same shape; the caller disposes of it
 */
export function mixBatch(
  { inputs, targets }: Batch,
  { mixup, cutmix }: TrainConfig['augment'],
  random: Random,
): Batch {
  const draw = random.float();
  if (draw >= cutmix.probability + mixup.probability) return { inputs, targets };
  const [mixed, mixedTargets] = tf.tidy(() => {
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
        blend(targets, targets.reverse(0), share),
      ] as const;
    }
    const share = beta(mixup.alpha, random);
    return [blend(inputs, others, share), blend(targets, targets.reverse(0), share)] as const;
  });
  tf.dispose([inputs, targets]);
  return { inputs: mixed, targets: mixedTargets };
}

/** @param share weight of `b`, 0–1 */
function blend<T extends tf.Tensor>(a: T, b: T, share: number): T {
  return a.mul<T>(1 - share).add<T>(b.mul(share));
}

/** A rectangle of about `share` of the area, with the image's proportions, clipped at its border. */
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

/** Draws from the symmetric beta distribution (Jöhnk 1964). */
function beta(alpha: number, random: Random): number {
  for (;;) {
    const a = random.float() ** (1 / alpha);
    const b = random.float() ** (1 / alpha);
    if (a + b <= 1 && a + b > 0) return a / (a + b);
  }
}
