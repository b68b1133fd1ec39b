import { expect, test } from 'vitest';
import { applyTemperature, fitTemperature } from './calibration.ts';
import { chooseThresholds, type LabelPredictions, measureLabels } from './label-metrics.ts';

function predictions(rows: readonly number[][], targets: readonly number[][]): LabelPredictions {
  return {
    classes: rows[0]?.length as number,
    probabilities: Float32Array.from(rows.flat()),
    labels: new Int32Array(rows.length),
    targets: Uint8Array.from(targets.flat()),
  };
}

const four = predictions(
  [
    [0.875, 0.25, 0.5],
    [0.75, 0.75, 0.25],
    [0.625, 0.75, 0.25],
    [0.25, 0.125, 0.125],
  ],
  [
    [1, 0, 0],
    [0, 1, 0],
    [1, 0, 0],
    [0, 0, 0],
  ],
);

test("computes average precision as scikit-learn's average_precision_score does", () => {
  const { labels, meanAveragePrecision } = measureLabels(four, [0.5, 0.5, 0.5]);
  // (1/1 + 2/3) / 2; of two equally probable images one has the label; nobody has the last one.
  const [first, second, third] = labels.map(({ averagePrecision }) => averagePrecision);
  expect(first).toBeCloseTo(5 / 6, 9);
  expect(second).toBeCloseTo(1 / 2, 9);
  expect(third).toBeNull();
  expect(meanAveragePrecision).toBeCloseTo((5 / 6 + 1 / 2) / 2, 9);
});

test('counts labels at their thresholds', () => {
  const { f1Micro, f1Macro, exactMatch, hamming } = measureLabels(four, [0.5, 0.5, 0.75]);
  // Of the first label two of three predicted are right, of the second one of two.
  expect(f1Macro).toBeCloseTo((4 / 5 + 2 / 3) / 2, 9);
  expect(f1Micro).toBeCloseTo(6 / 8, 9);
  expect(exactMatch).toBe(2 / 4);
  expect(hamming).toBeCloseTo(2 / 12, 9);
});

test('chooses the threshold of the highest F1, in the middle between two probabilities', () => {
  const rows = Array.from({ length: 12 }, (_, i) => [i / 16, i / 16]);
  const targets = rows.map((_, i) => [i >= 4 ? 1 : 0, i === 11 ? 1 : 0]);
  const [own, shared] = chooseThresholds(predictions(rows, targets));
  expect(own).toBe(3.5 / 16);
  // One image has the second label, which says little: of all labels together, this is best.
  expect(shared).toBe(3.5 / 16);
});

test('lets a label of many images choose alone', () => {
  const steps = Array.from({ length: 1600 }, (_, i) => i / 1600);
  const targets = steps.map((p) => [p >= 0.25 ? 1 : 0, p >= 0.75 ? 1 : 0]);
  const [low = 0, high = 0] = chooseThresholds(
    predictions(
      steps.map((p) => [p, p]),
      targets,
    ),
  );
  expect(low).toBeCloseTo(0.25, 2);
  expect(high).toBeGreaterThan(0.65);
});

test('calibrates each label on its own', () => {
  const confident = predictions(
    Array.from({ length: 400 }, (_, i) => [i % 2 === 0 ? 0.99 : 0.01, 0.99]),
    // Right in three cases of four.
    Array.from({ length: 400 }, (_, i) => [i % 8 < 6 === (i % 2 === 0) ? 1 : 0, i % 4 < 3 ? 1 : 0]),
  );
  const temperature = fitTemperature(confident);
  const { probabilities } = applyTemperature(confident, temperature);
  expect(temperature).toBeGreaterThan(2);
  expect(probabilities[0]).toBeGreaterThan(0.6);
  expect(probabilities[0]).toBeLessThan(0.85);
  // The probabilities of an image's labels do not share a sum.
  expect((probabilities[0] as number) + (probabilities[1] as number)).toBeGreaterThan(1);
});
