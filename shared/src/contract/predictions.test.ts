import { expect, test } from 'vitest';
import { decisiveOf, predictionsOf, topPredictions } from './predictions.ts';

const labels = [
  { name: 'cat', synset: 'n02121808' },
  { name: 'dog' },
  { name: 'fox' },
  { name: 'owl' },
];

test('puts the most probable class first', () => {
  const predictions = topPredictions(Float32Array.of(0.125, 0.5, 0.0625, 0.25), labels, 3);
  expect(predictions).toEqual([
    { label: 'dog', index: 1, probability: 0.5 },
    { label: 'owl', index: 3, probability: 0.25 },
    { label: 'cat', index: 0, probability: 0.125, synset: 'n02121808' },
  ]);
});

test('leaves the synset out where a class has none', () => {
  const [dog] = topPredictions([0, 1, 0, 0], labels, 1);
  expect(Object.keys(dog ?? {})).toEqual(['label', 'index', 'probability']);
});

test('keeps equal classes in class order', () => {
  const order = topPredictions([0.25, 0.25, 0.25, 0.25], labels, 4).map(({ index }) => index);
  expect(order).toEqual([0, 1, 2, 3]);
  const tied = topPredictions([0.1, 0.2, 0.5, 0.2], labels, 4).map(({ index }) => index);
  expect(tied).toEqual([2, 1, 3, 0]);
});

test('returns all classes where there are fewer than requested', () => {
  expect(topPredictions([0.4, 0.3, 0.2, 0.1], labels, 100)).toHaveLength(4);
});

test('does not reorder the labels', () => {
  topPredictions([0.1, 0.2, 0.3, 0.4], labels, 4);
  expect(labels.map(({ name }) => name)).toEqual(['cat', 'dog', 'fox', 'owl']);
});

test('returns every label that reaches its threshold where an image may have several', () => {
  const measured = {
    f1Micro: 1,
    f1Macro: 1,
    exactMatch: 1,
    hamming: 0,
    averagePrecision: [1, 1, 1, 1],
  };
  const multiLabel = { thresholds: [0.5, 0.25, 0.75, 0.125], images: 4, measured };
  const of = (probabilities: number[]) =>
    predictionsOf(probabilities, { labels, multiLabel }, 1).map(({ label }) => label);
  expect(of([0.5, 0.625, 0.625, 0.25])).toEqual(['dog', 'cat', 'owl']);
  expect(of([0, 0.125, 0.5, 0])).toEqual([]);
});

test('an answer depends on its most probable label, or on the one that is nearest to its threshold', () => {
  const labels = [{ name: 'sea' }, { name: 'sand' }, { name: 'boat' }];
  expect(decisiveOf([0.2, 0.7, 0.1], { labels })).toEqual({
    prediction: { label: 'sand', index: 1, probability: 0.7 },
    confidence: 0.7,
  });
  const measured = { f1Micro: 1, f1Macro: 1, exactMatch: 1, hamming: 0, averagePrecision: [] };
  const multiLabel = { thresholds: [0.9, 0.5, 0.3], images: 9, measured };
  const { prediction, confidence } = decisiveOf([0.1, 0.8, 0.25], { labels, multiLabel });
  expect(prediction).toEqual({ label: 'boat', index: 2, probability: 0.25 });
  expect(confidence).toBeCloseTo(0.55);
});
