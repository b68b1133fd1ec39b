import { TrainerError } from '../errors.ts';
import type { Predictions } from './evaluate.ts';

/** Predictions of similar confidence. */
export interface ConfidenceBin {
  readonly count: number;
  /** Means over the bin, 0–1; both are 0 in an empty bin. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** Whether confidence is what it promises. */
export interface Reliability {
  /** Mean negative log-likelihood of an image's labels, in nats. */
  readonly logLoss: number;
  /** Expected calibration error (Guo et al. 2017, eq. 3), of {@link BINS} bins. */
  readonly ece: number;
  /** The reliability diagram: bins by confidence, from `0–1/15` to `14/15–1`. */
  readonly bins: readonly ConfidenceBin[];
}

/** The quality of predictions; fractions are 0–1. */
export interface Metrics extends Reliability {
  readonly images: number;
  readonly top1: number;
  /** Null where there are no more than five classes. */
  readonly top5: number | null;
}

/** As in Guo et al. 2017, §5. */
const BINS = 15;

/** A float32 probability may have underflowed to 0, whose logarithm is not finite. */
export const SMALLEST_PROBABILITY = 2 ** -126;

/** @throws TrainerError `loss_not_finite` where probabilities are not finite: the training diverged */
export function measure({ classes, probabilities, labels }: Predictions): Metrics {
  const bins = new Bins();
  let [right, rightOfFive, logLoss] = [0, 0, 0];
  labels.forEach((label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const probability = row[label] as number;
    // Among equal probabilities, the first class is predicted.
    const rank = row.reduce(
      (better, p, at) =>
        p > probability || (p === probability && at < label) ? better + 1 : better,
      0,
    );
    if (rank === 0) right += 1;
    if (rank < 5) rightOfFive += 1;
    logLoss += lossOf(probability);
    bins.add(Math.max(...row), rank === 0);
  });
  const images = labels.length;
  return {
    images,
    top1: right / images,
    top5: classes > 5 ? rightOfFive / images : null,
    logLoss: logLoss / images,
    ...bins.summary(),
  };
}

/**
 * How reliable the probabilities of labels are where an image may have several: each label of each image is a
 * prediction of its own.
 *
 * @throws TrainerError `loss_not_finite` as {@link measure}
 */
export function measureReliability({
  classes,
  probabilities,
  targets,
}: Predictions & { readonly targets: Uint8Array }): Reliability {
  const bins = new Bins();
  let logLoss = 0;
  targets.forEach((target, at) => {
    const probability = probabilities[at] as number;
    logLoss += lossOf(target === 1 ? probability : 1 - probability);
    bins.add(probability, target === 1);
  });
  return { logLoss: logLoss / (targets.length / classes), ...bins.summary() };
}

function lossOf(probability: number): number {
  return -Math.log(Math.max(probability, SMALLEST_PROBABILITY));
}

/** Collects the reliability diagram. */
class Bins {
  readonly #bins = Array.from({ length: BINS }, () => ({ count: 0, confidence: 0, right: 0 }));

  add(confidence: number, isRight: boolean): void {
    const bin = this.#bins[Math.max(Math.ceil(confidence * BINS) - 1, 0)];
    if (!bin) {
      throw new TrainerError(
        'loss_not_finite',
        `Expected probabilities of 0–1 from the network, but got ${confidence}: lower the peak learning rate.`,
      );
    }
    bin.count += 1;
    bin.confidence += confidence;
    bin.right += isRight ? 1 : 0;
  }

  summary(): Pick<Reliability, 'ece' | 'bins'> {
    const gaps = this.#bins.map(({ right, confidence }) => Math.abs(right - confidence));
    const total = this.#bins.reduce((sum, { count }) => sum + count, 0);
    return {
      ece: gaps.reduce((sum, gap) => sum + gap, 0) / total,
      bins: this.#bins.map(({ count, confidence, right }) => ({
        count,
        confidence: count && confidence / count,
        accuracy: count && right / count,
      })),
    };
  }
}

/** The confusion matrix: `confusion[actual][predicted]` images. */
export function confusionMatrix(predictions: Predictions): number[][] {
  const { classes, labels } = predictions;
  const confusion = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  labels.forEach((label, index) => {
    const counts = confusion[label] as number[];
    const { predicted } = topPrediction(predictions, index);
    counts[predicted] = (counts[predicted] as number) + 1;
  });
  return confusion;
}

/** The most probable class of one example, and its probability. */
export function topPrediction(
  { classes, probabilities }: Predictions,
  index: number,
): { predicted: number; probability: number } {
  const row = probabilities.subarray(index * classes, (index + 1) * classes);
  const probability = Math.max(...row);
  return { predicted: row.indexOf(probability), probability };
}

/** Metrics of one class; fractions are 0–1, and 0 where their denominator is. */
export interface ClassMetrics {
  /** Number of images of the class. */
  readonly images: number;
  /** Fraction of the images predicted as the class that belong to it. */
  readonly precision: number;
  /** Fraction of the images of the class that are predicted as it. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
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
