import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { fast } from '../config/fast.ts';
import { compareRuns, formatRuns, sortRuns } from './format-runs.ts';
import { listRuns, type RunRecord } from './list-runs.ts';

let runs: string;
beforeEach(async () => {
  runs = await temporaryFolder();
});

async function putRun(name: string, hour: number, ...lines: object[]): Promise<void> {
  await mkdir(join(runs, name));
  const time = new Date(Date.UTC(2026, 0, 31, hour)).toISOString();
  const text = lines.map((line) => JSON.stringify({ time, ...line })).join('\n');
  await writeFile(join(runs, name, 'log.jsonl'), text);
}

const start = {
  event: 'start',
  command: 'graft train',
  backend: 'cpu',
  dataset: 'photos',
  config: fast,
  images: { train: 40, validation: 10, test: 10 },
  seconds: 1,
};
const epoch = (accuracy: number, seconds: number) => ({
  event: 'epoch',
  stage: 2,
  epoch: 1,
  loss: 1,
  validation: { accuracy, loss: 1 },
  seconds,
});

beforeEach(async () => {
  await putRun('first', 9, start, { event: 'stage-1-test', accuracy: 0.8 }, epoch(0.9, 60), {
    event: 'test',
    float32: 0.91,
    quantized: 0.905,
  });
  const config = { ...fast, size: 96, stage2: { ...fast.stage2, ema: 0 } };
  await putRun('second', 10, { ...start, config }, epoch(0.85, 30), {
    event: 'test',
    float32: 0.88,
    quantized: 0.875,
  });
  await putRun('third', 11, start);
  await putRun('no-run', 12);
  await writeFile(join(runs, 'file'), '');
});

const names = (records: readonly RunRecord[]) => records.map(({ name }) => name);

test('lists runs with their settings and accuracies, in any order', async () => {
  const records = await listRuns(runs);
  expect(names(records)).toEqual(['third', 'second', 'first']);
  expect(names(sortRuns(records, 'accuracy'))).toEqual(['first', 'second', 'third']);
  expect(names(sortRuns(records, 'time'))).toEqual(['second', 'first', 'third']);
  expect(formatRuns(records, runs).split('\n')).toEqual([
    'run     data    recipe  backbone            size  epochs  time       validation  test',
    'third   photos  fast    efficientnet-lite0  128   0       0 s        –           unfinished',
    'second  photos  fast    efficientnet-lite0  96    1       30 s       85.00 %     87.50 %',
    'first   photos  fast    efficientnet-lite0  128   1       1 min 0 s  90.00 %     90.50 %',
  ]);
  expect(formatRuns([], '/runs')).toBe('There are no runs in /runs.');
});

test('compares two: what differed, what it gave', async () => {
  const [third, second, first] = (await listRuns(runs)) as [RunRecord, RunRecord, RunRecord];
  const lines = compareRuns(first, second).split('\n');
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ['', 'first', 'second'],
    ['size', '128', '96'],
    ['stage2.ema', '0.99', '0'],
    [''],
    ['epochs', '1', '1'],
    ['training time', '1 min 0 s', '30 s'],
    ['best validation', '90.00 %', '85.00 % (−5.00)'],
    ['test after stage 1', '80.00 %', '–'],
    ['test, float32', '91.00 %', '88.00 % (−3.00)'],
    ['test, exported', '90.50 %', '87.50 % (−3.00)'],
  ]);
  expect(compareRuns(first, third)).toContain('(no setting differs)');
});
