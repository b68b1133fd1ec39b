import type { Validation } from '../evaluation/label-metrics.ts';
import type { NamedTensor } from '../plan/named-tensor.ts';
import { isBetter } from '../training/stage.ts';

export type Weights = ReadonlyMap<string, NamedTensor>;

/** A run that may become part of a soup. */
export interface Ingredient {
  /** Of its run. */
  readonly name: string;
  readonly weights: Weights;
}

export interface Soup {
  /** Names of the runs whose weights are averaged, the best single one first. */
  readonly members: readonly string[];
  readonly weights: Weights;
  /** On the validation images. */
  readonly score: Validation;
  /** Of the best single run. */
  readonly single: Validation;
}

/**
 * The greedy soup of Wortsman et al. 2022, algorithm 1: from the best run on, each joins the average where that
 * does not make it worse on the validation images. It is so never worse than the best single run there.
 *
 * @param ingredients at least one, with weights of the same names and shapes
 * @param measure some weights
 */
export async function makeSoup(
  ingredients: readonly Ingredient[],
  measure: (weights: Weights, name: string) => Promise<Validation>,
): Promise<Soup> {
  const scored: { one: Ingredient; score: Validation }[] = [];
  for (const one of ingredients) {
    scored.push({ one, score: await measure(one.weights, one.name) });
  }
  scored.sort((a, b) => (isWorse(a.score, b.score) ? 1 : isWorse(b.score, a.score) ? -1 : 0));
  const [best, ...others] = scored;
  if (best === undefined) throw new Error('A soup needs a run.');
  let members = [best.one];
  let { weights } = best.one;
  let { score } = best;
  for (const { one } of others) {
    const tried = [...members, one];
    const average = averageOf(tried.map((member) => member.weights));
    const measured = await measure(average, `with ${one.name}`);
    if (isWorse(measured, score)) continue;
    [members, weights, score] = [tried, average, measured];
  }
  return { members: members.map(({ name }) => name), weights, score, single: best.score };
}

function isWorse(score: Validation, than: Validation): boolean {
  return isBetter({ epoch: 0, ...than }, { epoch: 0, ...score });
}

/** The mean of each weight, computed in float64. */
export function averageOf(all: readonly Weights[]): Weights {
  const [first] = all;
  return new Map(
    [...(first ?? [])].map(([name, { shape, values }]) => {
      const sums = new Float64Array(values.length);
      for (const weights of all) {
        const { values: added = [] } = weights.get(name) ?? {};
        for (const [at, value] of added.entries()) sums[at] = (sums[at] as number) + value;
      }
      return [name, { shape, values: Float32Array.from(sums, (sum) => sum / all.length) }];
    }),
  );
}
