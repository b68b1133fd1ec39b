import { expect, test } from 'vitest';
import { chooseSettings, parseDimension } from './search-space.ts';

test('takes every combination of the values', () => {
  const dimensions = ['size=96,128', 'stage2.sizes=64,96;96'].map(parseDimension);
  expect(chooseSettings(dimensions, undefined, 1)).toEqual([
    { size: '96', 'stage2.sizes': '64,96' },
    { size: '96', 'stage2.sizes': '96' },
    { size: '128', 'stage2.sizes': '64,96' },
    { size: '128', 'stage2.sizes': '96' },
  ]);
});

test('draws each combination once at most', () => {
  const dimensions = ['size=64,96,128', 'dropout=0.1,0.2'].map(parseDimension);
  const drawn = chooseSettings(dimensions, 5, 1).map((settings) => JSON.stringify(settings));
  expect(new Set(drawn).size).toBe(5);
  expect(chooseSettings(dimensions, 100, 1)).toHaveLength(6);
});

test('draws learning rates evenly over their magnitudes, and the same ones every time', () => {
  const dimensions = ['stage2.peakLearningRate=1e-5..1e-1', 'size=64..128'].map(parseDimension);
  const drawn = chooseSettings(dimensions, 400, 7);
  expect(chooseSettings(dimensions, 400, 7)).toEqual(drawn);
  const rates = drawn.map((settings) => Number(settings['stage2.peakLearningRate']));
  const small = rates.filter((rate) => rate < 1e-3).length;
  expect(small).toBeGreaterThan(160);
  expect(small).toBeLessThan(240);
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-5);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1e-1);
  for (const { size } of drawn) expect(size).toMatch(/^\d+$/);
});

test.each([
  ['size', 'Expected <field>=<values> for --vary, but got size.'],
  ['side=1,2', 'There is no field side to vary'],
  ['seed=1,2', 'Expected --seeds instead of --vary seed.'],
  ['size=96,96', 'Expected each value of size once, but 96 came twice.'],
  ['dropout=0.5..0.1', 'Expected a range such as 1e-4..1e-3'],
])('refuses %s', (text, message) => {
  expect(() => parseDimension(text)).toThrow(message);
});

test('a range needs a number of trials', () => {
  expect(() => chooseSettings([parseDimension('dropout=0.1..0.5')], undefined, 1)).toThrow(
    'Expected --trials',
  );
});
