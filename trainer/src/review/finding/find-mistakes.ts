import type { ActivationMap } from 'shared/inference/graph/class-activation';
import type { Predictions } from '../../evaluation/evaluate.ts';
import {
  DEFAULT_THRESHOLD,
  isLabelPredictions,
  type LabelPredictions,
} from '../../evaluation/label-metrics.ts';

/** A prediction of the trained network that differs from the label. */
export interface Mistake {
  readonly index: number;
  /** Where an image may have several labels, one that is predicted and that it has not, or the reverse. */
  readonly predicted: number;
  readonly probability: number;
  /** What speaks for the prediction, of the square that the network sees. */
  readonly map?: ActivationMap;
}

/**
 * The images that the network gets wrong, the most confident mistakes first. Of an image of several labels, the label
 * counts that the network is the surest of.
 *
 * @param held the image of each prediction
 * @param thresholds one a label, from which on an image has it
 */
export function findMistakes(
  predictions: Predictions,
  held: readonly number[],
  thresholds?: readonly number[],
): Mistake[] {
  if (isLabelPredictions(predictions)) return findAmongSeveral(predictions, held, thresholds);
  const { classes, probabilities, labels } = predictions;
  return held
    .map((index, at) => {
      const row = probabilities.subarray(at * classes, (at + 1) * classes);
      const probability = Math.max(...row);
      return { index, predicted: row.indexOf(probability), probability, label: labels[at] };
    })
    .filter(({ predicted, label }) => predicted !== label)
    .sort((a, b) => b.probability - a.probability);
}

function findAmongSeveral(
  { classes, probabilities, targets }: LabelPredictions,
  held: readonly number[],
  thresholds: readonly number[] = Array<number>(classes).fill(DEFAULT_THRESHOLD),
): Mistake[] {
  return held
    .flatMap((index, at) => {
      const mistaken = thresholds.flatMap((threshold, predicted) => {
        const place = at * classes + predicted;
        const probability = probabilities[place] as number;
        const isPredicted = probability >= threshold;
        return isPredicted === (targets[place] === 1) ? [] : { index, predicted, probability };
      });
      return mistaken.sort((a, b) => certaintyOf(b) - certaintyOf(a)).slice(0, 1);
    })
    .sort((a, b) => certaintyOf(b) - certaintyOf(a));
}

/** How far a label's probability is from one half. */
function certaintyOf({ probability }: Mistake): number {
  return Math.abs(probability - 0.5);
}
