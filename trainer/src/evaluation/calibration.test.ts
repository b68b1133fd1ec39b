import { expect, test } from 'vitest';
import { createRandom } from '../config/random.ts';
import { applyTemperature, fitTemperature } from './calibration.ts';
import type { Predictions } from './evaluate.ts';
import { confusionMatrix, measure } from './metrics.ts';

const CLASSES = 6;

/** Calibrated predictions: confidence equals accuracy. */
function honestAnswers(images: number): Predictions {
  const random = createRandom(1);
  const probabilities = new Float32Array(images * CLASSES);
  const labels = new Int32Array(images);
  for (let image = 0; image < images; image++) {
    const row = probabilities.subarray(image * CLASSES, (image + 1) * CLASSES);
    row.set(Array.from({ length: CLASSES }, () => Math.exp(4 * random.float())));
    const sum = row.reduce((a, b) => a + b, 0);
    let left = random.float();
    row.forEach((weight, index) => {
      row[index] = weight / sum;
      if (left >= 0) labels[image] = index;
      left -= weight / sum;
    });
  }
  return { classes: CLASSES, probabilities, labels };
}

const honest = honestAnswers(5000);

test.each([0.5, 1, 2.5])(
  'finds the temperature %d that predictions were scaled by',
  (temperature) => {
    const cooled = applyTemperature(honest, 1 / temperature);
    expect(fitTemperature(cooled) / temperature).toBeCloseTo(1, 1);
    const calibrated = applyTemperature(cooled, fitTemperature(cooled));
    expect(measure(calibrated).logLoss).toBeLessThanOrEqual(measure(cooled).logLoss);
    expect(measure(calibrated).ece).toBeLessThan(0.02);
    if (temperature !== 1) expect(measure(cooled).ece).toBeGreaterThan(0.1);
  },
);

test('has the lowest log loss of all temperatures nearby', () => {
  const cooled = applyTemperature(honest, 0.4);
  const best = fitTemperature(cooled);
  const lossAt = (temperature: number) => measure(applyTemperature(cooled, temperature)).logLoss;
  expect(lossAt(best)).toBeLessThan(lossAt(best * 1.02));
  expect(lossAt(best)).toBeLessThan(lossAt(best / 1.02));
});

test('changes confidences, but no prediction', () => {
  const warmed = applyTemperature(honest, 3);
  expect(confusionMatrix(warmed)).toEqual(confusionMatrix(honest));
  const { top1, top5 } = measure(warmed);
  expect({ top1, top5 }).toEqual({ top1: measure(honest).top1, top5: measure(honest).top5 });
  for (let begin = 0; begin < warmed.probabilities.length; begin += CLASSES) {
    const row = warmed.probabilities.subarray(begin, begin + CLASSES);
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  }
});

/** Predictions among two classes with a constant confidence, some of which are wrong. */
function predictionsOf(count: number, wrong: number, probability: number): Predictions {
  const probabilities = new Float32Array(count * 2);
  for (let i = 0; i < count; i++) probabilities.set([probability, 1 - probability], i * 2);
  const labels = Int32Array.from({ length: count }, (_, i) => Number(i < wrong));
  return { classes: 2, probabilities, labels };
}

test('makes predictions uniform that are all wrong', () => {
  expect(fitTemperature(predictionsOf(5000, 5000, 1))).toBeGreaterThan(19);
});

test('stays near 1 for a few images, and one more image changes little', () => {
  expect(fitTemperature(predictionsOf(1, 1, 0.99))).toBeLessThan(2);
  expect(fitTemperature(predictionsOf(2, 0, 0.6))).toBeGreaterThan(0.9);
  const [right, nearly] = [0, 1].map((wrong) => fitTemperature(predictionsOf(20, wrong, 0.6)));
  expect(right as number).toBeGreaterThan(0.5);
  expect((nearly as number) / (right as number)).toBeLessThan(1.5);
});

test('changes little with one more image, however many there are', () => {
  const found = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].flatMap((count) => {
    const [before, after] = [count, count + 1].map((n) =>
      fitTemperature(predictionsOf(n, 0, 0.505)),
    );
    return (before as number) / (after as number);
  });
  for (const factor of found) expect(factor).toBeLessThan(1.3);
  const all = Array.from({ length: 60 }, (_, i) =>
    fitTemperature(predictionsOf(250 + i, 0, 0.505)),
  );
  for (const [i, value] of all.slice(1).entries()) {
    expect((all[i] as number) / value).toBeLessThan(1.1);
  }
});

test('ignores the prior with thousands of images', () => {
  const cooled = applyTemperature(honest, 1 / 2.5);
  const least = (predictions: Predictions) => {
    // By exhaustive search.
    const all = Array.from({ length: 100 }, (_, i) => 2 + i / 100);
    const losses = all.map((t) => measure(applyTemperature(predictions, t)).logLoss);
    return all[losses.indexOf(Math.min(...losses))] as number;
  };
  expect(fitTemperature(cooled) / least(cooled)).toBeCloseTo(1, 2);
});
