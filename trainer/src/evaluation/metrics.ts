import { TrainerError } from '../errors.ts';
import type { Predictions } from './evaluate.ts';

/** Answers of about the same confidence. */
export interface ConfidenceBin {
  readonly count: number;
  /** Means of its answers, 0–1; both 0 in an empty bin. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** How good answers are; fractions are 0–1. */
export interface Metrics {
  readonly images: number;
  readonly top1: number;
  /** The right class is among the five most probable; null where there are no more than five. */
  readonly top5: number | null;
  /** Mean negative log-likelihood, in nats. */
  readonly logLoss: number;
  /** Expected calibration error (Guo et al. 2017, eq. 3), of {@link BINS} bins. */
  readonly ece: number;
  /** By confidence, from `0–1/15` to `14/15–1`: the reliability diagram. */
  readonly bins: readonly ConfidenceBin[];
}

/** As in Guo et al. 2017, §5. */
const BINS = 15;

/** A float32 probability may have underflowed to 0, whose logarithm is not finite. */
export const SMALLEST_PROBABILITY = 2 ** -126;

/** @throws TrainerError `loss_not_finite` where the network has lost its way */
export function measure({ classes, probabilities, labels }: Predictions): Metrics {
  const bins = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }));
  let [right, rightOfFive, logLoss] = [0, 0, 0];
  labels.forEach((label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const truth = row[label] as number;
    const confidence = Math.max(...row);
    // Of equal ones, the first is the answer.
    const rank = row.reduce(
      (better, p, at) => (p > truth || (p === truth && at < label) ? better + 1 : better),
      0,
    );
    if (rank === 0) right += 1;
    if (rank < 5) rightOfFive += 1;
    logLoss -= Math.log(Math.max(truth, SMALLEST_PROBABILITY));
    const bin = bins[Math.max(Math.ceil(confidence * BINS) - 1, 0)];
    if (!bin) {
      throw new TrainerError(
        'loss_not_finite',
        `Expected probabilities of 0–1 from the network, but got ${confidence}: lower the peak learning rate.`,
      );
    }
    bin.count += 1;
    bin.confidence += confidence;
    bin.right += rank === 0 ? 1 : 0;
  });
  const images = labels.length;
  return {
    images,
    top1: right / images,
    top5: classes > 5 ? rightOfFive / images : null,
    logLoss: logLoss / images,
    ece: bins.reduce((sum, bin) => sum + Math.abs(bin.right - bin.confidence), 0) / images,
    bins: bins.map(({ count, confidence, right }) => ({
      count,
      confidence: count && confidence / count,
      accuracy: count && right / count,
    })),
  };
}

/** How often each class was taken for each: `confusion[actual][predicted]` images. */
export function confusionMatrix(answers: Predictions): number[][] {
  const { classes, labels } = answers;
  const confusion = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  labels.forEach((label, index) => {
    const counts = confusion[label] as number[];
    const { predicted } = topPrediction(answers, index);
    counts[predicted] = (counts[predicted] as number) + 1;
  });
  return confusion;
}

/** The most probable class of one example. */
export function topPrediction(
  { classes, probabilities }: Predictions,
  index: number,
): { predicted: number; probability: number } {
  const row = probabilities.subarray(index * classes, (index + 1) * classes);
  const probability = Math.max(...row);
  return { predicted: row.indexOf(probability), probability };
}

/** Fractions, 0–1; 0 where there is nothing to count. */
export interface ClassMetrics {
  /** Images of the class. */
  readonly images: number;
  /** Of the images taken for the class, those that are of it. */
  readonly precision: number;
  /** Of the images of the class, those taken for it. */
  readonly recall: number;
  /** Harmonic mean of the two. */
  readonly f1: number;
}

/** @param confusion `[actual][predicted]` */
export function metricsByClass(confusion: readonly (readonly number[])[]): ClassMetrics[] {
  return confusion.map((counts, label) => {
    const right = counts[label] as number;
    const images = counts.reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, row) => sum + (row[label] as number), 0);
    return {
      images,
      precision: predicted && right / predicted,
      recall: images && right / images,
      f1: images + predicted && (2 * right) / (images + predicted),
    };
  });
}
