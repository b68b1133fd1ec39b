import type { Label, ModelCard } from './model-card.ts';
import type { Prediction } from './responses.ts';

/**
 * What a model says of an image: the `top` most probable labels; of a model of several labels an image, all
 * that reach their thresholds, however many, most probable first.
 *
 * @param probabilities `[classes]`, 0–1
 */
export function predictionsOf(
  probabilities: ArrayLike<number>,
  { labels, multiLabel }: Pick<ModelCard, 'labels' | 'multiLabel'>,
  top: number,
): Prediction[] {
  if (!multiLabel) return topPredictions(probabilities, labels, top);
  return topPredictions(probabilities, labels, labels.length).filter(
    ({ index, probability }) => probability >= (multiLabel.thresholds[index] as number),
  );
}

/** What decides whether an answer is doubtful. */
export interface Decisive {
  readonly prediction: Prediction;
  /** 0–1; of several labels, one half and how far the label's probability is from its threshold. */
  readonly confidence: number;
}

/**
 * The label that an answer depends on: the most probable one; of a model of several labels an image, the one whose
 * probability is the nearest to its threshold.
 *
 * @param probabilities `[classes]`, 0–1
 */
export function decisiveOf(
  probabilities: ArrayLike<number>,
  { labels, multiLabel }: Pick<ModelCard, 'labels' | 'multiLabel'>,
): Decisive {
  const [first, ...others] = topPredictions(
    probabilities,
    labels,
    multiLabel ? labels.length : 1,
  ) as [Prediction, ...Prediction[]];
  if (!multiLabel) return { prediction: first, confidence: first.probability };
  const distanceOf = ({ index, probability }: Prediction) =>
    Math.abs(probability - (multiLabel.thresholds[index] as number));
  const prediction = others.reduce(
    (nearest, other) => (distanceOf(other) < distanceOf(nearest) ? other : nearest),
    first,
  );
  return { prediction, confidence: Math.min(1, 0.5 + distanceOf(prediction)) };
}

/**
 * The `top` most probable classes, most probable first; equally probable ones in class order.
 *
 * @param probabilities `[classes]`, 0–1
 * @param labels one per class, in the same order
 */
export function topPredictions(
  probabilities: ArrayLike<number>,
  labels: readonly Label[],
  top: number,
): Prediction[] {
  const isBetter = (index: number, than: number | undefined): boolean =>
    than === undefined || (probabilities[index] as number) > (probabilities[than] as number);
  // The indices of the best, in order. Sorting a thousand classes takes longer than preprocessing an image.
  const best: number[] = [];
  for (let index = 0; index < labels.length; index++) {
    if (best.length >= top && !isBetter(index, best.at(-1))) continue;
    const place = best.findIndex((other) => isBetter(index, other));
    best.splice(place < 0 ? best.length : place, 0, index);
    best.length = Math.min(best.length, top);
  }
  return best.map((index) => {
    const { name, synset } = labels[index] as Label;
    const probability = probabilities[index] as number;
    return { label: name, index, probability, ...(synset === undefined ? {} : { synset }) };
  });
}
