import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeRunRecord } from '../../../fixtures/run-record.ts';
import { photos } from '../../config/photos.ts';
import { saveOutcome } from '../../report/write-report.ts';
import { type CheckpointHeader, checkpointIn, saveCheckpoint } from '../../runs/checkpoint.ts';
import { logIn } from '../../runs/run-log.ts';
import { trainedOn } from './trained-on.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'graft-trained-on-'));
});
afterEach(() => rm(root, { recursive: true }));

const hashOf = (digit: string) => digit.repeat(64);

async function putRun(data: string, weightsHash: string): Promise<void> {
  const directory = join(root, 'runs', data);
  await mkdir(directory, { recursive: true });
  const { log, outcome } = await makeRunRecord(['cat', 'dog']);
  await writeFile(logIn(directory), log.map((line) => JSON.stringify(line)).join('\n'));
  await saveOutcome(directory, { ...outcome.card, weightsHash }, outcome.results);
  const header: CheckpointHeader = {
    ...{ stage: 3, epoch: 0, step: 0, lossSum: 0, optimizerSteps: 0, best: null, seconds: 1 },
    ...{ config: photos, data, datasetHash: '', backend: 'cpu', stage1Accuracy: null },
  };
  await saveCheckpoint(checkpointIn(directory), { header, tensors: new Map() });
}

async function putModel(weightsHash: string): Promise<string> {
  const { outcome } = await makeRunRecord(['cat', 'dog']);
  const card = { ...outcome.card, weightsHash };
  const json = { modelTopology: { node: [] }, weightsManifest: [], userDefinedMetadata: { card } };
  await writeFile(join(root, 'model.json'), JSON.stringify(json));
  return root;
}

test('finds the data that a model was trained on by the run that gave it', async () => {
  await putRun('pets', hashOf('1'));
  await putRun('cars', hashOf('2'));
  const runs = join(root, 'runs');
  expect(await trainedOn(runs, await putModel(hashOf('2')))).toMatchObject({ data: 'cars' });
  expect(await trainedOn(runs, await putModel(hashOf('1')))).toMatchObject({ data: 'pets' });
  expect(await trainedOn(runs, await putModel(hashOf('3')))).toBeUndefined();
  expect(await trainedOn(join(root, 'none'), root)).toBeUndefined();
  expect(await trainedOn(runs, join(root, 'none'))).toBeUndefined();
});
