import type { Part } from '../../datasets/split.ts';
import { nearestTo, normOf, type Rows, unitRows } from '../../evaluation/prototypes.ts';
import { separate } from '../../evaluation/separation.ts';
import { drawFrom, eachRow } from '../feature-rows.ts';

/** How many are looked at; they are drawn with the seed. */
const MOST_COUNTER_EXAMPLES = 500;
/** With fewer counter-examples, all of them measure. */
const MIN_COUNTER_EXAMPLES = 10;
/** How far prototypes are moved away from counter-examples: the best of these on validation images. */
const COUNTER_WEIGHTS = [0, 0.25, 0.5, 0.75, 1];

/** A class's prototypes. */
export interface ClassPrototypes {
  readonly label: number;
  readonly rows: Rows;
}

/** Counter-examples to fit with, where there are enough, and others to measure with. */
export function halves(part: Part | undefined, seed: number): (Part | undefined)[] {
  if (!part) return [];
  const { set, indices } = drawFrom(part, MOST_COUNTER_EXAMPLES, seed);
  if (indices.length < MIN_COUNTER_EXAMPLES) return [undefined, part];
  const half = indices.length >> 1;
  return [
    { set, indices: indices.slice(0, half) },
    { set, indices: indices.slice(half) },
  ];
}

/**
 * Takes a part of the counter-examples' mean direction from each prototype, so that an image is known by how
 * much closer it is to a class than to them.
 *
 * @param known rows of images that did not fit the prototypes
 * @returns the prototypes, and the vector that was subtracted; undefined where none told them better
 */
export function moveAway(
  groups: readonly ClassPrototypes[],
  known: readonly Float32Array[],
  counterExamples: Rows,
): { readonly groups: readonly ClassPrototypes[]; readonly counter: Float32Array | undefined } {
  const { width } = counterExamples;
  const unknown = eachRow(counterExamples);
  const mean = new Float32Array(width);
  for (const row of eachRow(unitRows(counterExamples, [...unknown.keys()]))) {
    for (let i = 0; i < width; i++) {
      mean[i] = (mean[i] as number) + (row[i] as number) / unknown.length;
    }
  }
  const tried = COUNTER_WEIGHTS.map((weight) => {
    const counter = mean.map((value) => weight * value);
    const moved = groups.map(({ label, rows }) => ({
      label,
      rows: {
        width,
        values: rows.values.map((value, i) => value - (counter[i % width] as number)),
      },
    }));
    const scores = (rows: readonly Float32Array[]) => rows.map((row) => cosineTo(row, moved));
    const { auroc } = separate(scores(known), scores(unknown), 0);
    return { groups: moved, counter: weight > 0 ? counter : undefined, auroc };
  });
  // Of equally good ones the first, which moves them least.
  return tried.reduce((best, one) => (one.auroc > best.auroc ? one : best));
}

/** How much of a row's direction is that of the nearest prototype: the cosine to it, of norm 1. */
export function cosineTo(row: Float32Array, groups: readonly ClassPrototypes[]): number {
  return Math.max(...groups.map(({ rows }) => nearestTo(row, rows).product)) / normOf(row);
}
