import { expect, test } from 'vitest';
import { createRandom } from '../../config/random.ts';
import type { Head } from '../head/head.ts';
import { accuracyOf, fitRow, type LabelledRows } from './fit-row.ts';
import { whiten } from './whitened-scores.ts';

const CHANNELS = 24;
const CLASSES = 3;
const random = createRandom(1);
const noise = () => random.float() + random.float() + random.float() - 1.5;

/** A class has one in its own channel, and all share noise that is larger in the last channels. */
function featuresOf(labels: readonly number[]): LabelledRows {
  const values = labels.flatMap((label) =>
    Array.from({ length: CHANNELS }, (_, channel) => {
      const spread = channel < 12 ? 0.3 : 3;
      return (channel === label ? 1 : 0) + spread * noise();
    }),
  );
  return { features: { width: CHANNELS, values: Float32Array.from(values) }, labels };
}

const take = (count: number, classes = CLASSES) =>
  featuresOf(Array.from({ length: count }, (_, index) => index % classes));
const photosOf = (label: number, count: number) => featuresOf(Array(count).fill(label)).features;

/** Each class's logit is ten times its channel. */
const head: Head = {
  channels: CHANNELS,
  classes: CLASSES,
  kernel: Float32Array.from({ length: CHANNELS * CLASSES }, (_, at) =>
    Math.floor(at / CLASSES) === at % CLASSES ? 10 : 0,
  ),
  bias: new Float32Array(CLASSES),
};

function widened({ weights, bias }: ReturnType<typeof fitRow>['row']): Head {
  const kernel = Float32Array.from({ length: CHANNELS * (CLASSES + 1) }, (_, at) => {
    const [channel, index] = [Math.floor(at / (CLASSES + 1)), at % (CLASSES + 1)];
    return index < CLASSES
      ? (head.kernel[channel * CLASSES + index] as number)
      : (weights[channel] as number);
  });
  return { ...head, classes: CLASSES + 1, kernel, bias: Float32Array.from([...head.bias, bias]) };
}

test('recognizes a class that it has ten photos of, and leaves the others alone', () => {
  const given = { head, train: take(300), heldOut: take(200), mirrored: take(200) };
  const { row, recognized, lost } = fitRow({ ...given, photos: photosOf(3, 10) });
  const wider = widened(row);
  expect(recognized).toBeGreaterThanOrEqual(8);
  expect(
    accuracyOf(wider, { features: photosOf(3, 200), labels: Array(200).fill(3) }),
  ).toBeGreaterThan(0.8);
  expect(lost).toBeLessThanOrEqual(0.01);
  const others = take(600);
  expect(accuracyOf(head, others) - accuracyOf(wider, others)).toBeLessThan(0.02);
});

test('takes no more than a hundredth from a class that the photos are of', () => {
  const [heldOut, mirrored] = [take(200), take(200)];
  const photos = photosOf(0, 20);
  const { row, lost } = fitRow({ head, train: take(300), heldOut, mirrored, photos });
  expect(lost).toBeLessThanOrEqual(0.01);
  const lostOf = (rows: LabelledRows) => accuracyOf(head, rows) - accuracyOf(widened(row), rows);
  expect((lostOf(heldOut) + lostOf(mirrored)) / 2).toBeLessThanOrEqual(0.01);
});

test('scores by the distance in the space where the classes are white', () => {
  // In two channels, about means 0 and 2, of which the first has variance 1 and the second 4; a mean of 2.5 is added.
  const values = [-1, -2, 1, 2, -1, 2, 1, -2];
  const train = {
    features: { width: 2, values: Float32Array.from([...values, ...values.map((v) => v + 2)]) },
    labels: [0, 0, 0, 0, 1, 1, 1, 1],
  };
  const photos = { width: 2, values: Float32Array.from([3, 2, 5, 4]) };
  const { weights, bias, leftOut } = whiten(train, photos);
  // (mean - centre) / (variance + 2.5), and half way between them it is 0.
  expect(weights[0]).toBeCloseTo(3 / 3.5, 5);
  expect(weights[1]).toBeCloseTo(2 / 6.5, 5);
  expect((weights[0] as number) * 2.5 + (weights[1] as number) * 2 + bias).toBeCloseTo(0, 5);
  // The second photo by the first alone: mean (3, 2), half way (2, 1.5).
  expect(leftOut[1]).toBeCloseTo((2 / 3.5) * (5 - 2) + (1 / 6.5) * (4 - 1.5), 5);
});
