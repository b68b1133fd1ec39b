import type { ProblemCode } from 'shared/contract/wire';

/** How many images there are, and how many of them have each problem. */
export interface Tally {
  readonly images: number;
  readonly problems: Readonly<Partial<Record<ProblemCode, number>>>;
}

export const nothing: Tally = { images: 0, problems: {} };

/** @param sign of the second one */
export function combine(a: Tally, b: Tally, sign: 1 | -1 = 1): Tally {
  const problems = { ...a.problems };
  for (const [code, count] of Object.entries(b.problems) as [ProblemCode, number][]) {
    problems[code] = (problems[code] ?? 0) + sign * count;
    if (problems[code] === 0) delete problems[code];
  }
  return { images: a.images + sign * b.images, problems };
}

export function failedOf({ problems }: Tally): number {
  return Object.values(problems).reduce((sum, count) => sum + count, 0);
}
