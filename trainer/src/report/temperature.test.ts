import { expect, test } from 'vitest';
import { createRandom } from '../datasets/random.ts';
import type { Answers } from './evaluate.ts';
import { confusionOf, measure } from './metrics.ts';
import { applyTemperature, fitTemperature } from './temperature.ts';

const CLASSES = 6;

/** Answers that are right as often as they say. */
function honestAnswers(pictures: number): Answers {
  const random = createRandom(1);
  const probabilities = new Float32Array(pictures * CLASSES);
  const labels = new Int32Array(pictures);
  for (let picture = 0; picture < pictures; picture++) {
    const row = probabilities.subarray(picture * CLASSES, (picture + 1) * CLASSES);
    row.set(Array.from({ length: CLASSES }, () => Math.exp(4 * random.float())));
    const sum = row.reduce((a, b) => a + b, 0);
    let left = random.float();
    row.forEach((weight, index) => {
      row[index] = weight / sum;
      if (left >= 0) labels[picture] = index;
      left -= weight / sum;
    });
  }
  return { classes: CLASSES, probabilities, labels };
}

const honest = honestAnswers(5000);

test.each([0.5, 1, 2.5])('finds the temperature %d that answers were cooled by', (temperature) => {
  const cooled = applyTemperature(honest, 1 / temperature);
  expect(fitTemperature(cooled) / temperature).toBeCloseTo(1, 1);
  const calibrated = applyTemperature(cooled, fitTemperature(cooled));
  expect(measure(calibrated).logLoss).toBeLessThanOrEqual(measure(cooled).logLoss);
  expect(measure(calibrated).ece).toBeLessThan(0.02);
  if (temperature !== 1) expect(measure(cooled).ece).toBeGreaterThan(0.1);
});

test('has the least log loss of all temperatures nearby', () => {
  const cooled = applyTemperature(honest, 0.4);
  const best = fitTemperature(cooled);
  const lossAt = (temperature: number) => measure(applyTemperature(cooled, temperature)).logLoss;
  expect(lossAt(best)).toBeLessThan(lossAt(best * 1.02));
  expect(lossAt(best)).toBeLessThan(lossAt(best / 1.02));
});

test('changes no answer, only how sure it is', () => {
  const warmed = applyTemperature(honest, 3);
  expect(confusionOf(warmed)).toEqual(confusionOf(honest));
  const { top1, top5 } = measure(warmed);
  expect({ top1, top5 }).toEqual({ top1: measure(honest).top1, top5: measure(honest).top5 });
  for (let begin = 0; begin < warmed.probabilities.length; begin += CLASSES) {
    const row = warmed.probabilities.subarray(begin, begin + CLASSES);
    expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  }
});

test('leaves answers alone that are all right, since no temperature would be the best', () => {
  const labels = Int32Array.of(0, 1);
  const right = { classes: 2, probabilities: Float32Array.of(0.6, 0.4, 0.4, 0.6), labels };
  expect(fitTemperature(right)).toBe(1);
});

test('makes answers that are all wrong know nothing', () => {
  const labels = Int32Array.of(1, 0);
  const wrong = { classes: 2, probabilities: Float32Array.of(1, 0, 0, 1), labels };
  expect(fitTemperature(wrong)).toBeCloseTo(20, 3);
});
