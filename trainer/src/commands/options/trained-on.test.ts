import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from 'shared/test/folders/temporary-folder';
import { beforeEach, expect, test } from 'vitest';
import { makeRunRecord } from '../../../fixtures/run-record.ts';
import { photos } from '../../config/photos.ts';
import { saveOutcome } from '../../report/write-report.ts';
import { type CheckpointHeader, checkpointIn, saveCheckpoint } from '../../runs/checkpoint.ts';
import { logIn } from '../../runs/run-log.ts';
import { dataFor, trainedOn } from './trained-on.ts';

let root: string;
beforeEach(async () => {
  root = await temporaryFolder();
});

/** A card whose training took so long, with weights that may have changed since. */
async function recordOf(seconds: number, digit: string) {
  const { log, outcome } = await makeRunRecord(['cat', 'dog']);
  const training = { command: 'graft train', seconds, config: {} };
  const card = { ...outcome.card, training, weightsHash: digit.repeat(64) };
  return { log, outcome: { ...outcome, card } };
}

async function putRun(data: string, seconds: number, labels?: string): Promise<void> {
  const directory = join(root, 'runs', data);
  await mkdir(directory, { recursive: true });
  const { log, outcome } = await recordOf(seconds, '1');
  await writeFile(logIn(directory), log.map((line) => JSON.stringify(line)).join('\n'));
  await saveOutcome(directory, outcome.card, outcome.results);
  const header: CheckpointHeader = {
    ...{ stage: 3, epoch: 0, step: 0, lossSum: 0, optimizerSteps: 0, best: null, seconds: 1 },
    ...{ config: photos, data, labels, datasetHash: '', backend: 'cpu', stage1Accuracy: null },
  };
  await saveCheckpoint(checkpointIn(directory), { header, tensors: new Map() });
}

async function putModel(seconds: number): Promise<string> {
  const { card } = (await recordOf(seconds, '2')).outcome;
  const json = { modelTopology: { node: [] }, weightsManifest: [], userDefinedMetadata: { card } };
  await writeFile(join(root, 'model.json'), JSON.stringify(json));
  return root;
}

test('finds the data that a model was trained on by the run that gave it, also when its weights have changed', async () => {
  await putRun('pets', 1);
  await putRun('cars', 2);
  const runs = join(root, 'runs');
  expect(await trainedOn(runs, await putModel(2))).toMatchObject({ data: 'cars' });
  expect(await trainedOn(runs, await putModel(1))).toMatchObject({ data: 'pets' });
  expect(await trainedOn(runs, await putModel(3))).toBeUndefined();
  expect(await trainedOn(join(root, 'none'), root)).toBeUndefined();
  expect(await trainedOn(runs, join(root, 'none'))).toBeUndefined();
});

test('takes the data of the training where none are named, and their labels with them', async () => {
  await putRun('pets', 1, 'pets/labels.csv');
  const [runs, model] = [join(root, 'runs'), await putModel(1)];
  const own = { data: 'pets', labels: 'pets/labels.csv', isOwn: true };
  expect(await dataFor({ runs }, model)).toEqual(own);
  expect(await dataFor({ runs, labels: 'folders' }, model)).toEqual({ ...own, labels: 'folders' });
  const named = { data: 'cars', labels: undefined, isOwn: false };
  expect(await dataFor({ runs, data: 'cars' }, model)).toEqual(named);
  const labels = join('cars', 'labels.csv');
  expect(await dataFor({ runs, labels }, model)).toEqual({ ...named, labels });
  const none = { data: null, labels: undefined, isOwn: false };
  expect(await dataFor({ runs: join(root, 'none') }, model)).toEqual(none);
});
