import type { Results } from './results.ts';

/** Test images of one class that were predicted as another. */
interface Confusion {
  readonly actual: number;
  readonly predicted: number;
  readonly count: number;
  /** Of the actual class's test images, 0–1. */
  readonly share: number;
  /** Images of the predicted class that were predicted as the actual one. */
  readonly reverse: number;
}

/**
 * The confusions that cost most test images, a sentence each with what helps against it.
 *
 * @param confusion `confusion[actual][predicted]` images
 * @param most how many, at most
 */
export function describeConfusions(
  { confusion }: Pick<Results, 'confusion'>,
  labels: readonly string[],
  most: number,
): string[] {
  return confusion
    .flatMap((row, actual) => {
      const images = row.reduce((sum, count) => sum + count, 0);
      return row.map((count, predicted): Confusion => {
        const reverse = confusion[predicted]?.[actual] ?? 0;
        return { actual, predicted, count, share: count / Math.max(images, 1), reverse };
      });
    })
    .filter(({ actual, predicted, count }) => actual !== predicted && count > 0)
    .sort((a, b) => b.count - a.count || b.share - a.share)
    .slice(0, most)
    .map((one) => describe(one, labels, confusion[one.actual] ?? []));
}

function describe(
  { actual, predicted, count, reverse }: Confusion,
  labels: readonly string[],
  row: readonly number[],
): string {
  const [name, other] = [labels[actual], labels[predicted]];
  const images = row.reduce((sum, one) => sum + one, 0);
  // Half as many the other way are no accident of one class's photos.
  const advice =
    2 * reverse >= count
      ? 'the two look alike to it: add photos that show the difference, or make them one class'
      : `add photos of ${name} that could be ${other}, and look for wrong labels in ${other}`;
  return `${name} predicted as ${other}, ${count} of ${images}: ${advice}.`;
}
