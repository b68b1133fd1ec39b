import type { Rows } from '../../evaluation/prototypes.ts';
import { eachRow } from '../feature-rows.ts';
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

/**
 * Share of the mean variance that is added to each channel's: there are fewer images than channels. On hand
 * signs and clothing, .3 to 10 gave the same within the noise.
 */
const SHRINKAGE = 1;

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

type Vector = Float32Array | Float64Array;

/** Enough for six digits on 1,280 channels. */
const MOST_STEPS = 60;
const RESIDUE = 1e-10;

/** @returns a function that multiplies by the inverse of the residuals' covariance, by conjugate gradients */
function solverFor(residuals: readonly Float64Array[]): (vector: Float64Array) => Float64Array {
  const squares = residuals.reduce((sum, residual) => sum + dot(residual, residual), 0);
  const width = residuals[0]?.length ?? 1;
  const added = (SHRINKAGE * squares) / residuals.length / width || 1;
  const multiply = (vector: Float64Array) => {
    const product = vector.map((value) => value * added);
    for (const residual of residuals) {
      addTo(product, residual, dot(residual, vector) / residuals.length);
    }
    return product;
  };
  return (vector) => {
    const solution = new Float64Array(vector.length);
    const rest = vector.slice();
    const direction = vector.slice();
    const first = dot(rest, rest);
    let before = first;
    for (let step = 0; step < MOST_STEPS && before > RESIDUE * first; step++) {
      const product = multiply(direction);
      const length = before / dot(direction, product);
      addTo(solution, direction, length);
      addTo(rest, product, -length);
      const after = dot(rest, rest);
      for (let at = 0; at < direction.length; at++) {
        direction[at] = (rest[at] as number) + (after / before) * (direction[at] as number);
      }
      before = after;
    }
    return solution;
  };
}

function meanOf(rows: readonly Vector[]): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) addTo(mean, row, 1 / rows.length);
  return mean;
}

/** `a + factor · b`. */
function combine(a: Vector, b: Vector, factor: number): Float64Array {
  const sum = Float64Array.from(a);
  addTo(sum, b, factor);
  return sum;
}

function addTo(sum: Float64Array, vector: Vector, factor: number): void {
  for (let at = 0; at < sum.length; at++) {
    sum[at] = (sum[at] as number) + factor * (vector[at] as number);
  }
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
