import type { Rows } from '../../evaluation/prototypes.ts';
import { eachRow } from '../feature-rows.ts';
import { combine, dot, meanOf, solverFor } from '../head/covariance.ts';
import type { LabelledRows } from './fit-row.ts';

/** How near images are to the mean of photos, rather than to that of the old classes. */
export interface Scores {
  /** The score is `weights · features + bias`. */
  readonly weights: Float32Array;
  readonly bias: number;
  of(features: Float32Array): number;
  /** The score of each photo by the mean of the others. */
  readonly leftOut: readonly number[];
}

/** The covariance is that of the training images about the means of their classes. */
export function whiten({ features, labels }: LabelledRows, photos: Rows): Scores {
  const rows = eachRow(features);
  const groups = [...Map.groupBy(rows.keys(), (at) => labels[at] as number).values()];
  const means = groups.map((group) => meanOf(group.map((at) => rows[at] as Float32Array)));
  const centre = meanOf(means);
  const residuals = groups.flatMap((group, of) =>
    group.map((at) => combine(rows[at] as Float32Array, means[of] as Float64Array, -1)),
  );
  const solve = solverFor(residuals);
  const whiteCentre = solve(centre);
  const given = eachRow(photos);
  const white = given.map((photo) => solve(Float64Array.from(photo)));
  const scoreBy = (places: readonly number[]) => {
    const mean = meanOf(places.map((at) => given[at] as Float32Array));
    const weights = combine(meanOf(places.map((at) => white[at] as Float64Array)), whiteCentre, -1);
    return { weights, bias: -dot(weights, combine(mean, centre, 1)) / 2 };
  };
  const all = [...given.keys()];
  const { weights, bias } = scoreBy(all);
  return {
    weights: Float32Array.from(weights),
    bias,
    of: (row) => dot(weights, row) + bias,
    leftOut: all.map((at) => {
      const others = scoreBy(all.filter((other) => other !== at));
      return dot(others.weights, given[at] as Float32Array) + others.bias;
    }),
  };
}
