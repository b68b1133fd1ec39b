import { expect, test } from 'vitest';
import { createRandom } from '../../config/random.ts';
import { findMistakes } from './find-mistakes.ts';
import { findLabelErrors } from './label-errors.ts';

test('finds labels that are missing and labels that are too many, each by what is usual for it', () => {
  const [images, classes] = [300, 3];
  const random = createRandom(1);
  const targets = new Uint8Array(images * classes);
  const probabilities = new Float32Array(images * classes);
  for (let at = 0; at < targets.length; at++) {
    const isPresent = random.float() < 0.4;
    targets[at] = isPresent ? 1 : 0;
    // The second label is predicted hesitantly, and one half is much for it.
    const usual = at % classes === 1 ? [0.05, 0.4] : [0.1, 0.9];
    probabilities[at] = (usual[isPresent ? 1 : 0] as number) + 0.05 * random.float();
  }
  const flipped = [4, 100, 200].map((image) => image * classes + (image % classes));
  for (const at of flipped) targets[at] = 1 - (targets[at] as number);
  const { errors, likely } = findLabelErrors({
    ...{ classes, probabilities, targets, labels: new Int32Array(images) },
  });
  const found = errors.slice(0, 3).map(({ index, suggested }) => index * classes + suggested);
  expect(found.sort((a, b) => a - b)).toEqual(flipped);
  // Counted is what is at least as probable as on average, about half of the three.
  expect(likely).toBeGreaterThanOrEqual(1);
  expect(likely).toBeLessThanOrEqual(3);
});

test('of several labels, a mistake is the one that the network is the surest of', () => {
  const predictions = {
    classes: 3,
    probabilities: Float32Array.of(0.6, 0.9, 0.2, 0.05, 0.9, 0.1, 0.4, 0.1, 0.1),
    targets: Uint8Array.of(0, 0, 1, 1, 1, 0, 1, 0, 0),
    labels: new Int32Array(3),
  };
  expect(
    findMistakes(predictions, [7, 8, 9]).map(({ index, predicted }) => [index, predicted]),
  ).toEqual([
    [8, 0],
    [7, 1],
    [9, 0],
  ]);
  // From .3 on, the last image has its label.
  const mistakes = findMistakes(predictions, [7, 8, 9], [0.3, 0.5, 0.5]);
  expect(mistakes.map(({ index }) => index)).toEqual([8, 7]);
});
