import type { Predictions } from '../../evaluation/evaluate.ts';

/** An image that is likely to be in the wrong class. */
export interface LabelError {
  readonly index: number;
  /** The class that it seems to show. */
  readonly suggested: number;
  /** Probability of the suggested class less that of the label: the higher, the likelier is an error. */
  readonly margin: number;
}

/**
 * Finds likely label errors by confident learning (Northcutt, Jiang and Chuang 2021): a class counts for
 * an image where it is at least as probable as it is on average for the images of that label, so that
 * classes that are predicted too often or too hesitantly weigh no more than others.
 *
 * @param predictions by networks that have not learned from the image
 * @returns the likeliest first
 */
export function findLabelErrors({ classes, probabilities, labels }: Predictions): LabelError[] {
  const thresholds = meanSelfConfidence({ classes, probabilities, labels });
  const errors: LabelError[] = [];
  labels.forEach((label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    let suggested = label;
    let most = Number.NEGATIVE_INFINITY;
    row.forEach((probability, at) => {
      if (probability < (thresholds[at] as number) || probability <= most) return;
      [suggested, most] = [at, probability];
    });
    if (suggested === label) return;
    errors.push({ index, suggested, margin: most - (row[label] as number) });
  });
  return errors.sort((a, b) => b.margin - a.margin);
}

/** Mean probability of each class over the images of that label; infinite for a class without images. */
function meanSelfConfidence({ classes, probabilities, labels }: Predictions): number[] {
  const sums = Array<number>(classes).fill(0);
  const counts = Array<number>(classes).fill(0);
  labels.forEach((label, index) => {
    sums[label] = (sums[label] as number) + (probabilities[index * classes + label] as number);
    counts[label] = (counts[label] as number) + 1;
  });
  return sums.map((sum, label) => (counts[label] ? sum / (counts[label] as number) : Infinity));
}
