import { expect, test } from 'vitest';
import { modelsIndex, splitReference } from './models-index.ts';

test('takes an index of models with its default and candidates, and nothing else', () => {
  const index = { default: 'pets', models: ['pets', 'pets@0123456789ab', 'imagenet'] };
  const tried = { ...index, candidates: { pets: { version: '0123456789ab', share: 0.1 } } };
  expect(modelsIndex.parse(index)).toEqual(index);
  expect(modelsIndex.parse(tried)).toEqual(tried);
  expect(modelsIndex.safeParse({ models: ['pets'] }).success).toBe(false);
  expect(modelsIndex.safeParse({ ...index, hidden: [] }).success).toBe(false);
  const beyond = { pets: { version: '0123456789ab', share: 10 } };
  expect(modelsIndex.safeParse({ ...index, candidates: beyond }).success).toBe(false);
});

test('splits a reference at its version', () => {
  expect(splitReference('pets')).toEqual({ id: 'pets', version: undefined });
  expect(splitReference('pets@0123456789ab')).toEqual({ id: 'pets', version: '0123456789ab' });
});
