/** How well a score tells known images, whose scores are higher, from unknown ones. */
export interface Separation {
  /** Area under the ROC curve: how often a known image has a higher score than an unknown one. */
  readonly auroc: number;
  /** The share of the known images that the threshold keeps. */
  readonly kept: number;
  /** The share of the unknown images that it lets through. */
  readonly letThrough: number;
}

/** @param threshold from which on an image is taken for known */
export function separate(
  known: readonly number[],
  unknown: readonly number[],
  threshold: number,
): Separation {
  const share = (scores: readonly number[]) =>
    scores.filter((score) => score >= threshold).length / scores.length;
  return { auroc: areaUnderRoc(known, unknown), kept: share(known), letThrough: share(unknown) };
}

/** Mann and Whitney's U by the ranks of the known ones; equal scores share their ranks. */
function areaUnderRoc(known: readonly number[], unknown: readonly number[]): number {
  const scores = [
    ...known.map((score) => ({ score, isKnown: true })),
    ...unknown.map((score) => ({ score, isKnown: false })),
  ].sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let begin = 0, end = 0; begin < scores.length; begin = end) {
    const { score } = scores[begin] as (typeof scores)[number];
    while (scores[end]?.score === score) end++;
    const equal = scores.slice(begin, end);
    ranks += equal.filter(({ isKnown }) => isKnown).length * ((begin + end + 1) / 2);
  }
  return (ranks - (known.length * (known.length + 1)) / 2) / (known.length * unknown.length);
}

/** The value below which a share of the numbers lies, interpolated between them. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]] as [number, number];
  return below + (above - below) * (at % 1);
}
