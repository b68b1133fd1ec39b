import { nearestTo, type Rows } from '../../evaluation/prototypes.ts';
import { quantile } from '../../evaluation/separation.ts';
import type { Head } from '../head/head.ts';

/** Some logits: `rows · features + bias`. */
export interface Directions {
  readonly rows: Rows;
  /** One per row. */
  readonly bias: Float32Array;
}

/**
 * How much more an image looks like some classes of ImageNet than like all its others: the largest logit of
 * `known` less the largest of `others`.
 */
export interface Contrast {
  readonly known: Directions;
  readonly others: Directions;
}

/** @param features of one image */
export function contrastOf(features: Float32Array, { known, others }: Contrast): number {
  return largestLogit(features, known) - largestLogit(features, others);
}

export function largestLogit(features: Float32Array, { rows, bias }: Directions): number {
  const { width, values } = rows;
  let largest = Number.NEGATIVE_INFINITY;
  for (const [at, start] of bias.entries()) {
    let sum = start;
    for (let i = 0; i < width; i++)
      sum += (features[i] as number) * (values[at * width + i] as number);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** ImageNet's classifier of a network, and which of its classes a model knows. */
export interface PretrainedClasses {
  readonly head: Head;
  /** One per class of the classifier. */
  readonly isKnown: readonly boolean[];
}

/**
 * A contrast that knows one class more, which ImageNet may not have: the class's prototypes become directions, so long
 * that its median photo gets the contrast that it needs.
 *
 * @param prototypes of the class
 * @param photos features of each of its photos
 * @param needed the contrast that a photo needs, by its place
 */
export function widenContrast(
  { known, others }: Contrast,
  prototypes: Rows,
  photos: readonly Float32Array[],
  needed: (place: number) => number,
): Contrast {
  const lengths = photos.map(
    (features, place) =>
      (needed(place) + largestLogit(features, others)) / nearestTo(features, prototypes).product,
  );
  const length = quantile(lengths, 0.5);
  const added = prototypes.values.map((value) => length * value);
  return {
    known: {
      rows: {
        width: prototypes.width,
        values: Float32Array.from([...known.rows.values, ...added]),
      },
      bias: Float32Array.from([
        ...known.bias,
        ...new Float32Array(added.length / prototypes.width),
      ]),
    },
    others,
  };
}
