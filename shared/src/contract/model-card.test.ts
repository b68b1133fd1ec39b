import { expect, test } from 'vitest';
import card from '../../fixtures/model-card.json' with { type: 'json' };
import { modelCard } from './model-card.ts';

/** The paths at which the schema finds a fault, as in `labels.0.name`. */
function faults(value: unknown): string[] {
  const { error } = modelCard.safeParse(value);
  return (error?.issues ?? []).map(({ path }) => path.join('.'));
}

test('accepts a complete card', () => {
  expect(modelCard.parse(card)).toEqual(card);
});

test('accepts the card of a pretrained network', () => {
  expect(faults({ ...card, training: null })).toEqual([]);
});

test('accepts the card of a model exported before calibration existed', () => {
  const { calibration, ...older } = card;
  expect(faults(older)).toEqual([]);
  expect(calibration.temperature).toBeGreaterThan(0);
});

test('accepts the preprocess spec of the first cards', () => {
  const { arithmetic: _, ...photo } = card.preprocess;
  const preprocess = { ...photo, scale: [0.5, 0.5, 0.5], offset: [-1, -1, -1] };
  expect(faults({ ...card, preprocess })).toEqual([]);
});

test('accepts a card with a rule for reduction, and one without', () => {
  const { reduce, ...first } = card.preprocess;
  expect(reduce).toBe('division');
  expect(faults({ ...card, preprocess: first })).toEqual([]);
  expect(faults({ ...card, preprocess: { ...first, reduce: 'half' } })).toEqual(['preprocess']);
});

test.each([
  ['id', { id: 'Pets and more' }],
  ['id', { id: '../pets' }],
  ['id', { id: '' }],
  ['created', { created: 'yesterday' }],
  ['labels', { labels: [{ name: 'cat' }] }],
  ['labels', { labels: 'cat, dog' }],
  ['labels', { labels: ['cat', 'dog'] }],
  ['labels', { labels: [{ name: 'cat' }, { name: '' }] }],
  ['labels', { labels: [{ name: 'cat' }, { name: 'dog', synset: 1 }] }],
  ['labels', { labels: [{ name: 'cat' }, { name: 'dog', colour: 'red' }] }],
  ['preprocess.size', { preprocess: { ...card.preprocess, size: 0 } }],
  ['preprocess', { preprocess: { ...card.preprocess, arithmetic: [{ add: [1, 1, 1] }] } }],
  ['preprocess', { preprocess: { ...card.preprocess, scale: [1, 1, 1] } }],
  ['quantization.scheme', { quantization: { scheme: 'int4', bytes: 12 } }],
  ['accuracy.0.float32', { accuracy: [{ ...card.accuracy[0], float32: 90 }] }],
  ['accuracy.0.top5', { accuracy: [{ ...card.accuracy[0], top5: 99 }] }],
  ['calibration.temperature', { calibration: { ...card.calibration, temperature: 0 } }],
  ['calibration.ece.after', { calibration: { ...card.calibration, ece: { before: 0.1 } } }],
  ['weightsHash', { weightsHash: card.weightsHash.toUpperCase() }],
  ['training', { training: undefined }],
  ['', { notes: 'a field that no reader knows' }],
])('finds fault with %s in %j', (path, change) => {
  expect(faults({ ...card, ...change })).toEqual([path]);
});
