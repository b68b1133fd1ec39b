import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { epochsOf, type LogEvent, phasesOf, readRunLog, stepsOf } from './run-log.ts';

let directory: string;
beforeEach(async () => {
  directory = await temporaryFolder();
});

const start = (seconds: number): LogEvent => ({
  event: 'start',
  command: 'pnpm --filter trainer train',
  backend: 'plain JavaScript',
  dataset: 'Pets',
  config: { name: 'fast' },
  images: { train: 80, validation: 10, test: 10 },
  seconds,
});
const epoch = (stage: 1 | 2, number: number): LogEvent => ({
  event: 'epoch',
  stage,
  epoch: number,
  loss: 0.5,
  validation: { accuracy: 0.9, loss: 0.4 },
  seconds: 1,
});
const steps = (step: number, loss: number): LogEvent => ({
  event: 'steps',
  stage: 2,
  epoch: 2,
  step,
  of: 4,
  loss,
});
const at = (seconds: number, event: object) =>
  JSON.stringify({ time: new Date(seconds * 1000).toISOString(), ...event });

const write = (...lines: string[]) => writeFile(join(directory, 'log.jsonl'), lines.join('\n'));

test('reads known events, and skips the rest', async () => {
  await write(
    at(0, start(2)),
    at(1, { event: 'of a later version' }),
    at(3, epoch(1, 1)),
    at(4, epoch(1, 2)).slice(0, 50),
    '',
  );
  const log = await readRunLog(directory);
  expect(log.map(({ event }) => event)).toEqual(['start', 'epoch']);
  expect(epochsOf(log)[0]).toMatchObject({ stage: 1, validation: { accuracy: 0.9 } });
});

test('returns an epoch once that was trained again after a crash', async () => {
  await write(at(1, epoch(1, 1)), at(2, epoch(1, 2)), at(3, start(2)), at(4, epoch(1, 2)));
  const epochs = epochsOf(await readRunLog(directory));
  expect(epochs.map(({ time }) => Date.parse(time))).toEqual([1000, 4000]);
});

test('returns each part of the training loss once, from the later session', async () => {
  await write(
    at(0, start(2)),
    at(1, steps(2, 0.5)),
    at(2, steps(4, 0.4)),
    at(10, start(2)),
    at(11, steps(2, 0.5)),
    at(12, steps(4, 0.3)),
  );
  const read = stepsOf(await readRunLog(directory));
  expect(read.map(({ step, loss }) => [step, loss])).toEqual([
    [2, 0.5],
    [4, 0.3],
  ]);
});

test('measures each phase up to its event, without the time between two sessions', async () => {
  await write(
    at(100, start(2)),
    at(110, { event: 'features' }),
    at(113, epoch(1, 1)),
    at(115, epoch(1, 2)),
    at(116, { event: 'stage-1-test', accuracy: 0.8 }),
    at(120, epoch(2, 1)),
    at(9000, start(3)),
    at(9003, steps(4, 0.4)),
    at(9005, epoch(2, 2)),
    at(9006, { event: 'calibrate', temperature: 1.2 }),
    at(9010, { event: 'test', float32: 0.9, quantized: 0.9 }),
  );
  expect(phasesOf(await readRunLog(directory))).toEqual([
    { phase: 'Backend, data, network', seconds: 5 },
    { phase: 'Features', seconds: 10 },
    { phase: 'Stage 1', seconds: 6 },
    { phase: 'Stage 2', seconds: 9 },
    { phase: 'Calibration', seconds: 1 },
    { phase: 'Export and test', seconds: 4 },
  ]);
});

test('names the folder where it expected a run', async () => {
  await expect(readRunLog(directory)).rejects.toMatchObject({
    code: 'run_invalid',
    message: expect.stringContaining(directory),
  });
});
