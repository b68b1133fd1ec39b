import { expect, test } from 'vitest';
import type { Validation } from '../evaluation/label-metrics.ts';
import { averageOf, makeSoup, type Weights } from './soup.ts';

const weightsOf = (...values: number[]): Weights =>
  new Map([['w', { shape: [values.length], values: Float32Array.from(values) }]]);
const valuesOf = (weights: Weights) => [...(weights.get('w')?.values ?? [])];

/** Better the closer to a point. */
const closerTo =
  (...target: number[]) =>
  async (weights: Weights): Promise<Validation> => {
    const distance = Math.hypot(...valuesOf(weights).map((value, at) => value - (target[at] ?? 0)));
    return { accuracy: 1 / (1 + distance), logLoss: distance };
  };

const runs = [
  { name: 'left', weights: weightsOf(-1, 0) },
  { name: 'right', weights: weightsOf(0.9, 0) },
  { name: 'far', weights: weightsOf(0, 9) },
];

test('averages in float64, and rounds once', () => {
  const third = averageOf([weightsOf(0.1, 1), weightsOf(0.2, 1), weightsOf(0.4, 1)]);
  const exact = (Math.fround(0.1) + Math.fround(0.2) + Math.fround(0.4)) / 3;
  expect(valuesOf(third)).toEqual([Math.fround(exact), 1]);
});

test('begins with the best run, and takes in what does no harm', async () => {
  const soup = await makeSoup(runs, closerTo(0, 0));
  expect(soup.members).toEqual(['right', 'left']);
  expect(valuesOf(soup.weights)).toEqual([expect.closeTo(-0.05, 6), 0]);
  expect(soup.score.accuracy).toBeGreaterThan(soup.single.accuracy);
});

test('stays with the best run where every average is worse', async () => {
  const soup = await makeSoup(runs, closerTo(-1, 0));
  expect(soup.members).toEqual(['left']);
  expect(soup.score).toEqual(soup.single);
});

test('takes in a run that changes nothing, and decides equal accuracies by the loss', async () => {
  const measure = async (weights: Weights) => ({
    accuracy: 0.5,
    logLoss: Math.abs(valuesOf(weights)[0] ?? 0),
  });
  const soup = await makeSoup(runs, measure);
  expect(soup.members).toEqual(['far', 'right', 'left'].slice(0, 1));
  const same = await makeSoup([runs[0], runs[0]] as typeof runs, measure);
  expect(same.members).toEqual(['left', 'left']);
});
