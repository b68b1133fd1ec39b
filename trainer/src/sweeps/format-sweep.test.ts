import { expect, test } from 'vitest';
import { smoke } from '../config/smoke.ts';
import { effectsOf } from './effects.ts';
import { formatSweep } from './format-sweep.ts';
import { rungsOf, trialsOf } from './halving.ts';
import { rankSettings } from './rank.ts';
import type { SweepFile, TrialResult } from './sweep-file.ts';

const resultOf = (accuracy: number, epochs = 2): TrialResult => ({
  ...{ accuracy, epochs, loss: 1 - accuracy, datasetHash: 'abc', backend: 'wasm' },
  ...{ host: 'here', directory: '/runs' },
});

/** Size matters by 10 points, dropout by 2, in two seeds that differ by 4. */
function sweepOf(changes: Partial<SweepFile> = {}): SweepFile {
  const trials = ['64', '96'].flatMap((size) =>
    ['0.1', '0.2'].flatMap((dropout) =>
      [1, 2].map((seed) => ({ settings: { size, dropout }, config: { ...smoke, seed } })),
    ),
  );
  const named = trials.map((trial, index) => ({ name: `${index + 1}`, ...trial }));
  const results = named.map(({ name, settings: { size, dropout }, config: { seed } }) => [
    name,
    [
      resultOf(
        0.7 + (size === '96' ? 0.1 : 0) + (dropout === '0.1' ? 0.02 : 0) + (seed === 1 ? 0.04 : 0),
      ),
    ],
  ]);
  return {
    key: '0b2e8a6c-1d3f-4c55-9e0a-7f6d5c4b3a29',
    ...{ command: 'graft sweep', data: null, labels: null, folders: null },
    ...{ strict: false, backend: 'auto', features: null },
    ...{ varied: ['dropout', 'size'], rungs: [1], eta: 2, trials: named },
    results: Object.fromEntries(results),
    ...changes,
  };
}

test('ranks settings by the mean over their seeds', () => {
  const [best, ...others] = rankSettings(sweepOf());
  expect(best?.settings).toEqual({ size: '96', dropout: '0.1' });
  expect(best?.accuracy).toBeCloseTo(0.84, 12);
  // Of 0.82 and 0.86.
  expect(best?.deviation).toBeCloseTo(0.04 / Math.SQRT2, 12);
  expect(others).toHaveLength(3);
});

test('says what mattered, and how much of the variance it explains', () => {
  const effects = effectsOf(sweepOf());
  expect(effects.map(({ path }) => path)).toEqual(['size', 'dropout']);
  // Variances of ±5 and ±1 points.
  expect(effects[0]?.share).toBeCloseTo(25 / 26, 12);
  expect(effects[1]?.share).toBeCloseTo(1 / 26, 12);
});

test('prints a table and bars', () => {
  const lines = formatSweep(sweepOf()).split('\n');
  expect(lines.slice(0, 2).map((line) => line.split(/ {2,}/))).toEqual([
    ['trial', 'dropout', 'size', 'epochs', 'validation, mean of 2 seeds', 'loss'],
    ['5 6', '0.1', '96', '2', '84.00 % ± 2.83', '0.1600'],
  ]);
  expect(lines.slice(-5).map((line) => line.split(/ {2,}/))).toEqual([
    ['field', 'share', 'value', 'mean'],
    ['size', '96.15 %', '64', '73.00 %', '█'],
    ['', '96', '83.00 %', '█'.repeat(24)],
    ['dropout', '3.85 %', '0.1', '79.00 %', expect.stringMatching(/^█+$/)],
    ['', '0.2', '77.00 %', expect.stringMatching(/^█+$/)],
  ]);
});

test('a failed trial is last, with its reason; an unfinished one says so', () => {
  const { results } = sweepOf();
  const sweep = sweepOf({ results: { ...results, 5: [{ error: 'The loss became NaN.' }], 1: [] } });
  const text = formatSweep(sweep);
  expect(text).toContain('The loss became NaN.');
  expect(text).toContain('unfinished');
  expect(rankSettings(sweep)[0]?.settings).toEqual({ size: '96', dropout: '0.2' });
});

test('warns of backends that round differently and of other images', () => {
  const { results } = sweepOf();
  const odd = { ...resultOf(0.5), backend: 'native', datasetHash: 'def' };
  const text = formatSweep(sweepOf({ results: { ...results, 1: [odd] } }));
  expect(text).toContain('different backends (native, wasm)');
  expect(text).toContain('The machines have different images');
});

test('halving keeps the best settings, with all their seeds', () => {
  const sweep = sweepOf({ rungs: [0.5, 1], eta: 3 });
  expect(trialsOf(sweep, 0)).toHaveLength(8);
  expect(trialsOf(sweep, 1)).toEqual(['5', '6', '7', '8']);
});

test.each([
  [3, 9, 9, [1 / 9, 1 / 3, 1]],
  [3, 9, 2, [1]],
  [3, 2, 100, [1]],
  [2, 100, 8, [1 / 8, 1 / 4, 1 / 2, 1]],
])(
  'with eta %i, %i settings and %i epochs, halving compares after %j',
  (eta, settings, epochs, rungs) => {
    expect(rungsOf(eta, settings, epochs)).toEqual(rungs);
  },
);
