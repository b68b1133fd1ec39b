import { expect, test } from 'vitest';
import type { Predictions } from './evaluate.ts';
import { confusionMatrix, measure, metricsByClass, topPrediction } from './metrics.ts';

function predictions(rows: readonly number[][], labels: readonly number[]): Predictions {
  return {
    classes: rows[0]?.length as number,
    probabilities: Float32Array.from(rows.flat()),
    labels: Int32Array.from(labels),
  };
}

const four = predictions(
  [
    [0.75, 0.25, 0],
    [0.25, 0.75, 0],
    [0.5, 0.25, 0.25],
    [0, 0.25, 0.75],
  ],
  [0, 1, 1, 0],
);

test('computes accuracy and log loss', () => {
  const { images, top1, top5, logLoss } = measure(four);
  expect({ images, top1, top5 }).toEqual({ images: 4, top1: 0.5, top5: null });
  // The last label has probability 0, which counts as the smallest float32.
  const losses = [Math.log(4 / 3), Math.log(4 / 3), Math.log(4), 126 * Math.log(2)];
  expect(logLoss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 6);
});

test('compares confidence with accuracy, bin by bin', () => {
  const { ece, bins } = measure(four);
  expect(bins).toHaveLength(15);
  // 0.5 is in (7/15, 8/15], and 0.75 in (11/15, 12/15].
  expect(bins[7]).toEqual({ count: 1, confidence: 0.5, accuracy: 0 });
  expect(bins[11]).toEqual({ count: 3, confidence: 0.75, accuracy: 2 / 3 });
  expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(4);
  expect(ece).toBeCloseTo((1 / 4) * 0.5 + (3 / 4) * (0.75 - 2 / 3), 6);
});

test('puts full certainty into the last bin', () => {
  const { bins, ece } = measure(predictions([[1, 0]], [0]));
  expect(bins[14]).toEqual({ count: 1, confidence: 1, accuracy: 1 });
  expect(ece).toBe(0);
});

test('computes top-5 accuracy, ranking equal probabilities by class', () => {
  const row = [0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0];
  const rows = row.map(() => row);
  const { top1, top5 } = measure(predictions(rows, [0, 1, 2, 3, 4, 5, 6]));
  expect({ top1, top5 }).toEqual({ top1: 1 / 7, top5: 5 / 7 });
});

test('computes the confusion matrix', () => {
  const confusion = confusionMatrix(four);
  expect(confusion).toEqual([
    [1, 0, 1],
    [1, 1, 0],
    [0, 0, 0],
  ]);
  expect(topPrediction(four, 3)).toEqual({ predicted: 2, probability: 0.75 });
  expect(metricsByClass(confusion)).toEqual([
    { images: 2, precision: 1 / 2, recall: 1 / 2, f1: 1 / 2 },
    { images: 2, precision: 1, recall: 1 / 2, f1: 2 / 3 },
    { images: 0, precision: 0, recall: 0, f1: 0 },
  ]);
});

test('refuses probabilities that are not numbers', () => {
  expect(() => measure(predictions([[Number.NaN, Number.NaN]], [0]))).toThrow(
    'Expected probabilities of 0–1 from the network, but got NaN: lower the peak learning rate.',
  );
});
