import { expect, test } from 'vitest';
import { configFields, fieldText, overrideConfig } from './config-fields.ts';
import { fast } from './fast.ts';

test('lists every field of a recipe except for its name', () => {
  const paths = (value: unknown, path: string[]): string[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))
      : [path.join('.')];
  const expected = paths(fast, []).filter((path) => path !== 'name');
  expect(configFields.map(({ path }) => path).sort()).toEqual(expected.sort());
});

test('describes each, with its value and what it takes', () => {
  expect(configFields.filter(({ description }) => description === '')).toEqual([]);
  const rate = configFields.find(({ path }) => path === 'stage2.peakLearningRate');
  expect(rate?.expected).toBe('a number above 0');
  expect(fieldText(fast, 'stage2.peakLearningRate')).toBe('0.0002');
  expect(fieldText(fast, 'limit')).toBe('none');
  expect(fieldText(fast, 'stage2.sizes')).toBe('');
});

test('overrides fields of every type, and does not modify the recipe', () => {
  const before = structuredClone(fast);
  const { augment, stage2, ...rest } = overrideConfig(fast, {
    'augment.flip': 'false',
    'augment.crop': '0.25',
    'stage2.epochs': '3',
    'stage2.peakLearningRate': '1e-3',
    'stage2.optimizer': 'adamw',
    'stage2.sizes': '96,128',
    limit: '500',
    trim: '-3',
    freeze: 'stem*,block1*',
    backend: 'cpu',
    size: undefined,
  });
  expect(augment).toMatchObject({ flip: false, crop: 0.25 });
  const { epochs, peakLearningRate, optimizer, sizes } = stage2;
  expect([epochs, peakLearningRate, optimizer, sizes]).toEqual([3, 1e-3, 'adamw', [96, 128]]);
  expect(rest).toMatchObject({ limit: 500, trim: -3, freeze: 'stem*,block1*', size: fast.size });
  expect(overrideConfig(fast, { limit: 'none', 'stage2.sizes': '' })).toEqual(fast);
  expect(fast).toEqual(before);
});

test.each([
  [
    { 'stage2.epochs': '-1' },
    'Expected a whole number from 0 for --stage2.epochs, but got -1. See --help.',
  ],
  [
    { 'stage2.epochs': 'many' },
    'Expected a whole number from 0 for --stage2.epochs, but got many. See --help.',
  ],
  [{ dropout: '' }, 'Expected a number from 0 to 0.9 for --dropout, but got . See --help.'],
  [
    { 'augment.flip': 'yes' },
    'Expected true or false for --augment.flip, but got yes. See --help.',
  ],
  [
    { 'stage1.optimizer': 'lion' },
    'Expected one of adam, adamw for --stage1.optimizer, but got lion. See --help.',
  ],
  [
    { 'stage2.sizes': '96,big' },
    'Expected comma-separated numbers, each a whole number from 32 to 1024 for --stage2.sizes, but got 96,big. See --help.',
  ],
  [{ limit: '5' }, 'Expected a whole number from 100 or none for --limit, but got 5. See --help.'],
  [
    { 'stage2.weightDecay': '0.1' },
    'Expected another value for --stage2.weightDecay: adam has no weight decay; choose the optimizer adamw. See --help.',
  ],
])('refuses %j in one sentence', (texts, message) => {
  expect(() => overrideConfig(fast, texts)).toThrow(
    expect.objectContaining({ code: 'config_invalid', message }),
  );
});
