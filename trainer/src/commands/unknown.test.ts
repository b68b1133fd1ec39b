import { join } from 'node:path';
import { expect, test } from 'vitest';
import { headOnly, trainingOf } from '../../fixtures/commands/head-only-training.ts';
import { folderWithBackends } from '../../fixtures/folders/folder-with-cache.ts';
import { composePairs, writePairs } from '../../fixtures/labels/compose-pairs.ts';
import { runCommand } from '../cli/run-command.ts';
import { readModel } from '../models/load-model.ts';
import { trainInStages } from './training/train-in-stages.ts';

async function typed(...line: string[]): Promise<string> {
  const [out, errors]: string[][] = [[], []];
  const code = await runCommand(line, {
    out: (text) => void out?.push(text),
    err: (text) => void errors?.push(text),
  });
  expect({ code, errors }).toEqual({ code: 0, errors: [] });
  return out?.join('\n') ?? '';
}

test('graft unknown fits the score of a model of several labels again, by the labels it was trained on', async () => {
  const root = await folderWithBackends();
  const data = join(root, 'pairs');
  const labels = await writePairs(data, await composePairs('train', 0, 100));
  const run = { ...trainingOf(root, data, []), labels, modelId: 'pairs' };
  await trainInStages(headOnly, { ...run, directory: join(root, 'runs/first') });
  const model = join(run.models, 'pairs');
  const before = await readModel(model);

  const options = ['--backend', run.backend, '--keep', '0.8'];
  const said = await typed('unknown', model, '--labels', labels, ...options);
  const { card } = await readModel(model);
  expect(card.knownScore?.keep).toBe(0.8);
  expect(card.multiLabel).toEqual(before.card.multiLabel);
  expect(said).not.toBe('');
  // Without them, images and labels are those of the run that gave the model.
  const again = await typed('unknown', model, '--runs', join(root, 'runs'), ...options);
  expect(again).toBe(said);
}, 300_000);
