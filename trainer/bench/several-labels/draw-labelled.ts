import { createRandom, shuffle } from '../../src/config/random.ts';
import { inspectFolder } from '../../src/datasets/folders/inspect-folder.ts';
import { labelsOf } from '../../src/datasets/lists/several-labels.ts';
import type { LabelPredictions } from '../../src/evaluation/label-metrics.ts';
import { type Draw, MOST_TEST, MOST_TRAIN } from '../own-photos/draw.ts';

/**
 * Draws a fifth of the images to test, and the others to train, both up to a limit. None of those that test is nearly
 * the same as one that trains.
 *
 * @param data folder that the label file names its images from
 */
export async function drawLabelled(data: string, list: string, seed: number): Promise<Draw> {
  const { labels, photos } = await inspectFolder(data, {
    ...{ purpose: 'measuring', size: 128, strict: false, labels: list },
    ...{ signal: new AbortController().signal },
    startProgress: () => ({ advance: () => {}, stop: () => {} }),
  });
  const all = shuffle(
    Object.values(photos).flatMap((split) => split ?? []),
    createRandom(seed),
  );
  // In the order of each group's first image.
  const together = [...Map.groupBy(all, ({ group }) => group).values()].flat();
  const test = together.slice(0, Math.min(MOST_TEST, Math.ceil(all.length / 5)));
  const tested = new Set(test.map(({ group }) => group));
  const train = all.filter(({ group }) => !tested.has(group)).slice(0, MOST_TRAIN);
  return { labels, train, test };
}

/** @param probabilities of each label, one row an image that tests */
export function predictionsOf(
  { labels, test }: Draw,
  probabilities: readonly (readonly number[])[],
): LabelPredictions {
  const classes = labels.length;
  const targets = new Uint8Array(test.length * classes);
  for (const [image, photo] of test.entries()) {
    for (const label of labelsOf(photo)) targets[image * classes + label] = 1;
  }
  return {
    ...{ classes, targets, probabilities: Float32Array.from(probabilities.flat()) },
    labels: Int32Array.from(test, ({ label }) => label),
  };
}
