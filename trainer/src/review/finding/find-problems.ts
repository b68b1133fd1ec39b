import { isDeepStrictEqual } from 'node:util';
import type * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../config/random.ts';
import type { BatchSource } from '../../data/batches.ts';
import { allLabels } from '../../datasets/dataset.ts';
import type { SplitName } from '../../datasets/folders/split-names.ts';
import { targetsIn } from '../../evaluation/evaluate.ts';
import { crossValidateHead } from '../../training/solve-head.ts';
import { findLabelErrors, type LabelError } from './label-errors.ts';
import { findNeighbours, type Neighbours } from './neighbours.ts';

export interface FindingTask {
  /** Features of all images of a folder, `[n, channels]`, with their labels. */
  readonly features: BatchSource;
  readonly classes: number;
  readonly splitOf: (index: number) => SplitName;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Two images that look nearly the same, with different labels or in two splits. */
export interface NearDuplicate {
  readonly index: number;
  /** The earlier of the two. */
  readonly of: number;
  /** Cosine of the angle between their features, up to 1. */
  readonly similarity: number;
}

/** An image that looks like none of the others. */
export interface Outlier {
  readonly index: number;
  /** Mean cosine between its features and those of its nearest neighbours. */
  readonly similarity: number;
}

/** What a person should look at, the likeliest problem first in each list. */
export interface Problems {
  readonly labelErrors: readonly LabelError[];
  /** How many of them are errors, by confident learning. */
  readonly likelyErrors: number;
  readonly duplicates: readonly NearDuplicate[];
  readonly outliers: readonly Outlier[];
  /** Classes with far fewer images than the largest. */
  readonly thinClasses: readonly { readonly label: number; readonly images: number }[];
  /** By heads that have not learned from the image, `[n, classes]`. */
  readonly probabilities: Float32Array;
}

/** Enough to find the copies of an image, and to say how far it is from all others. */
const NEIGHBOURS = 6;
/** Above it, two images are copies. */
const SAME = 0.9;
/**
 * Below it, they are if each is the other's nearest and much nearer than the next: the ratio test of Lowe 2004,
 * §7.1. Of images of 32 px that come back in JPEG, smaller or cropped, it finds 70 to 96 %, and of 6,000 of
 * CIFAR-10 it takes 2 pairs of two classes for copies (bench/review.ts).
 */
const ALIKE = { similarity: 0.6, ratio: 0.7 };
/** At most this share of the images is shown as outliers. */
const MOST_OUTLIERS = 0.02;
/** Tukey's outer fence, in interquartile ranges. */
const FENCE = 1.5;
/** Also the imbalance that training warns of. */
const THIN = 5;

/**
 * Finds likely problems in a folder of images from the features of a frozen trunk.
 *
 * @throws the signal's reason
 */
export async function findProblems(task: FindingTask): Promise<Problems> {
  const { features, classes, seed, signal } = task;
  const labels = Int32Array.from({ length: features.length }, (_, at) => features.label(at));
  const probabilities = await crossValidateHead({ source: features, classes, seed, signal });
  const rows = (await features.inputs([...labels.keys()], createRandom(0))) as tf.Tensor2D;
  const neighbours = await findNeighbours(rows, NEIGHBOURS, signal).finally(() => rows.dispose());
  const targets = targetsIn(features, classes);
  const predictions = { classes, probabilities, labels, ...(targets && { targets }) };
  const { errors, likely } = findLabelErrors(predictions);
  return {
    labelErrors: errors,
    likelyErrors: likely,
    duplicates: findDuplicates(neighbours, task),
    outliers: findOutliers(neighbours, features.length),
    thinClasses: findThinClasses(features, classes),
    probabilities,
  };
}

/** Copies with the same labels in the same split do no harm, and are left out. */
function findDuplicates(
  neighbours: Neighbours,
  { features, splitOf }: FindingTask,
): NearDuplicate[] {
  const { count, indices, similarities } = neighbours;
  const pairs = new Map<string, NearDuplicate>();
  similarities.forEach((similarity, at) => {
    const [one, other] = [Math.floor(at / count), indices[at] as number];
    if (similarity < SAME && !(at % count === 0 && areAlike(neighbours, one))) return;
    const hasSameLabels = isDeepStrictEqual(allLabels(features, one), allLabels(features, other));
    if (hasSameLabels && splitOf(one) === splitOf(other)) return;
    const [of, index] = one < other ? [one, other] : [other, one];
    pairs.set(`${of} ${index}`, { index, of, similarity });
  });
  return [...pairs.values()].sort((a, b) => b.similarity - a.similarity);
}

/** Whether an image and its nearest neighbour are each other's, and much nearer than the next. */
function areAlike({ count, indices, similarities }: Neighbours, one: number): boolean {
  const nearest = similarities[one * count] as number;
  const next = count > 1 ? (similarities[one * count + 1] as number) : -1;
  const isMutual = indices[(indices[one * count] as number) * count] === one;
  return isMutual && nearest >= ALIKE.similarity && 1 - nearest <= ALIKE.ratio * (1 - next);
}

function findOutliers({ count, similarities }: Neighbours, images: number): Outlier[] {
  const all = Array.from({ length: images }, (_, index) => {
    const row = similarities.subarray(index * count, (index + 1) * count);
    return { index, similarity: row.reduce((sum, value) => sum + value, 0) / count };
  }).sort((a, b) => a.similarity - b.similarity);
  const quartile = (share: number) => all[Math.floor(share * (images - 1))]?.similarity ?? 0;
  const fence = quartile(0.25) - FENCE * (quartile(0.75) - quartile(0.25));
  return all.slice(0, MOST_OUTLIERS * images).filter(({ similarity }) => similarity < fence);
}

function findThinClasses(features: BatchSource, classes: number): Problems['thinClasses'] {
  const counts = Array<number>(classes).fill(0);
  for (let index = 0; index < features.length; index++) {
    for (const label of allLabels(features, index)) counts[label] = (counts[label] as number) + 1;
  }
  const most = Math.max(...counts);
  return counts
    .map((images, label) => ({ label, images }))
    .filter(({ images }) => THIN * images < most)
    .sort((a, b) => a.images - b.images);
}
