import type { Prediction } from './answers.ts';
import type { Label } from './model-card.ts';

/**
 * The `top` most probable classes, most probable first; equal ones in class order.
 *
 * @param probabilities `[classes]`, 0–1
 * @param labels one a class, in the same order
 */
export function topPredictions(
  probabilities: ArrayLike<number>,
  labels: readonly Label[],
  top: number,
): Prediction[] {
  return labels
    .map((label, index) => ({ label, index, probability: probabilities[index] as number }))
    .sort((a, b) => b.probability - a.probability || a.index - b.index)
    .slice(0, top)
    .map(({ label, index, probability }) => ({
      label: label.name,
      index,
      probability,
      ...(label.synset === undefined ? {} : { synset: label.synset }),
    }));
}
