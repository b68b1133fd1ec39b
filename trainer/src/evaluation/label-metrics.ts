import type { Predictions } from './evaluate.ts';
import { measure, measureReliability, type Reliability } from './metrics.ts';

/** Predictions for images that may have several labels. */
export interface LabelPredictions extends Predictions {
  readonly targets: Uint8Array;
}

export function isLabelPredictions(predictions: Predictions): predictions is LabelPredictions {
  return predictions.targets !== undefined;
}

/** How well one label is found; fractions are 0–1. */
export interface LabelScore {
  /** Images that have the label. */
  readonly images: number;
  /** Null where no image has the label. */
  readonly averagePrecision: number | null;
  /** At the label's threshold; 0 where the denominator is. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** The quality of predictions of several labels an image; fractions are 0–1. */
export interface LabelMetrics extends Reliability {
  readonly images: number;
  /** Mean of the labels' average precision. */
  readonly meanAveragePrecision: number;
  /** F1 of all labels of all images, at the thresholds. */
  readonly f1Micro: number;
  /** Mean F1 of the labels that some image has. */
  readonly f1Macro: number;
  /** Share of images of which every label is predicted, and no other. */
  readonly exactMatch: number;
  /** Hamming loss: share of labels that are predicted and absent, or present and not predicted. */
  readonly hamming: number;
  readonly labels: readonly LabelScore[];
}

/** What weights are chosen by. */
export interface Validation {
  /** Top-1 accuracy, 0–1; where images may have several labels, mean average precision. */
  readonly accuracy: number;
  readonly logLoss: number;
}

/** @throws TrainerError `loss_not_finite` where probabilities are not finite */
export function validationOf(predictions: Predictions): Validation {
  if (!isLabelPredictions(predictions)) {
    const { top1, logLoss } = measure(predictions);
    return { accuracy: top1, logLoss };
  }
  const thresholds = Array<number>(predictions.classes).fill(DEFAULT_THRESHOLD);
  const { meanAveragePrecision, logLoss } = measureLabels(predictions, thresholds);
  return { accuracy: meanAveragePrecision, logLoss };
}

/** Used where no image is there to choose another. */
export const DEFAULT_THRESHOLD = 0.5;

/**
 * Images of a label that all labels together weigh as much as. Without them, thresholds that 150 images chose had an
 * F1 1 to 2 points below that of one half (docs/multi-label.md).
 */
const SHARED_IMAGES = 50;

/** @param thresholds one a label: from it on, an image has the label */
export function measureLabels(
  predictions: LabelPredictions,
  thresholds: readonly number[],
): LabelMetrics {
  const { classes, probabilities, targets } = predictions;
  const images = targets.length / classes;
  const counts = thresholds.map((threshold, label) => countAt(predictions, label, threshold));
  let exact = 0;
  for (let image = 0; image < images; image++) {
    const isRight = thresholds.every((threshold, label) => {
      const at = image * classes + label;
      return (probabilities[at] as number) >= threshold === (targets[at] === 1);
    });
    if (isRight) exact += 1;
  }
  const labels = counts.map((count, label): LabelScore => {
    const { right, predicted, present } = count;
    return {
      images: present,
      averagePrecision: averagePrecision(column(predictions, label)),
      precision: predicted && right / predicted,
      recall: present && right / present,
      f1: f1Of(count),
    };
  });
  const all = sumOf(counts);
  const found = labels.filter(({ images }) => images > 0);
  return {
    images,
    meanAveragePrecision: meanOf(labels.flatMap((label) => label.averagePrecision ?? [])),
    f1Micro: f1Of(all),
    f1Macro: meanOf(found.map(({ f1 }) => f1)),
    exactMatch: exact / images,
    hamming: (all.present + all.predicted - 2 * all.right) / targets.length,
    labels,
    ...measureReliability(predictions),
  };
}

/**
 * Chooses the threshold of each label that has the highest F1, counting all labels together as {@link SHARED_IMAGES}
 * images of it, so that the few images of a rare label do not choose alone. It lies in the middle between two
 * probabilities; of several as good, the nearest to one half is taken.
 *
 * @param predictions for images that were not trained on, calibrated
 */
export function chooseThresholds(predictions: LabelPredictions): number[] {
  const labels = Array.from({ length: predictions.classes }, (_, label) => label);
  const all = labels
    .flatMap((label) => column(predictions, label).map((score) => ({ ...score, label })))
    .sort((a, b) => b.probability - a.probability);
  const shared = SHARED_IMAGES / Math.max(1, all.filter(({ isPresent }) => isPresent).length);
  return labels.map((label) => bestThreshold(all, (of) => shared + (of === label ? 1 : 0)));
}

interface Score {
  readonly probability: number;
  readonly isPresent: boolean;
}

/** The images of one label, most probable first. */
function column({ classes, probabilities, targets }: LabelPredictions, label: number): Score[] {
  return Array.from({ length: targets.length / classes }, (_, image) => ({
    probability: probabilities[image * classes + label] as number,
    isPresent: targets[image * classes + label] === 1,
  })).sort((a, b) => b.probability - a.probability);
}

/**
 * Average precision: the mean of the precision at each image that has the label, `Σ (Rₖ − Rₖ₋₁) Pₖ`, with
 * equally probable images taken at once, as scikit-learn's `average_precision_score` does.
 *
 * @param scores most probable first
 * @returns null where no image has the label
 */
function averagePrecision(scores: readonly Score[]): number | null {
  const present = scores.filter(({ isPresent }) => isPresent).length;
  if (present === 0) return null;
  let [sum, right, earlier] = [0, 0, 0];
  for (const [at, { probability, isPresent }] of scores.entries()) {
    if (isPresent) right += 1;
    if (scores[at + 1]?.probability === probability) continue;
    sum += (right - earlier) * (right / (at + 1));
    earlier = right;
  }
  return sum / present;
}

/** @param scores most probable first @param weightOf the scores of a label */
function bestThreshold(
  scores: readonly (Score & { readonly label: number })[],
  weightOf: (label: number) => number,
): number {
  const sum = (total: number, { label }: { readonly label: number }) => total + weightOf(label);
  const present = scores.filter(({ isPresent }) => isPresent).reduce(sum, 0);
  let [best, threshold, right, predicted] = [0, DEFAULT_THRESHOLD, 0, 0];
  for (const [at, { probability, isPresent, label }] of scores.entries()) {
    predicted += weightOf(label);
    if (isPresent) right += weightOf(label);
    const next = scores[at + 1]?.probability ?? 0;
    if (next === probability) continue;
    const f1 = f1Of({ right, predicted, present });
    const middle = (probability + next) / 2;
    const isNearer = Math.abs(middle - 0.5) < Math.abs(threshold - 0.5);
    if (f1 > best || (f1 === best && f1 > 0 && isNearer)) [best, threshold] = [f1, middle];
  }
  return threshold;
}

interface Counts {
  readonly right: number;
  readonly predicted: number;
  readonly present: number;
}

function countAt(
  { classes, probabilities, targets }: LabelPredictions,
  label: number,
  threshold: number,
): Counts {
  let [right, predicted, present] = [0, 0, 0];
  for (let at = label; at < targets.length; at += classes) {
    const isPredicted = (probabilities[at] as number) >= threshold;
    if (isPredicted) predicted += 1;
    if (targets[at] === 1) present += 1;
    if (isPredicted && targets[at] === 1) right += 1;
  }
  return { right, predicted, present };
}

function f1Of({ right, predicted, present }: Counts): number {
  return predicted + present && (2 * right) / (predicted + present);
}

function sumOf(counts: readonly Counts[]): Counts {
  const sum = (key: keyof Counts) => counts.reduce((total, count) => total + count[key], 0);
  return { right: sum('right'), predicted: sum('predicted'), present: sum('present') };
}

function meanOf(values: readonly number[]): number {
  return values.length && values.reduce((sum, value) => sum + value, 0) / values.length;
}
