import { isDeepStrictEqual } from 'node:util';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { readCard } from '../../report/write-report.ts';
import { type CheckpointHeader, checkpointIn, loadCheckpoint } from '../../runs/checkpoint.ts';
import { listRuns } from '../../runs/list-runs.ts';
import { dataBeside } from './option-values.ts';
import { RUNS } from './shared-options.ts';

/**
 * The data that a model was trained on. Its card is public and has no paths, so the run that gave it is looked for, by what the card
 * says of the training: a score that is fitted anew and a class that is added change the weights.
 *
 * @param runs folder of the runs
 * @param model folder of the model
 * @returns undefined where none of the runs gave it
 * @throws TrainerError `checkpoint_invalid`
 */
export async function trainedOn(
  runs: string,
  model: string,
): Promise<Pick<CheckpointHeader, 'data' | 'labels'> | undefined> {
  // What is no model is refused where it is loaded.
  const found = await readModelCard(modelFiles(model)).catch(() => undefined);
  if (!found) return undefined;
  for (const { directory } of await listRuns(runs)) {
    const card = await readCard(directory).catch(() => undefined);
    if (!card?.training || !isDeepStrictEqual(card.training, found.card.training)) continue;
    return (await loadCheckpoint(checkpointIn(directory))).header;
  }
  return undefined;
}

/**
 * What a command reads of the images of a model: what the user names, or else the data of its training.
 *
 * @param named the values of the options
 * @param model folder of the model
 * @returns data that is null where neither is known, and whether they are those of the training
 * @throws TrainerError `checkpoint_invalid`
 */
export async function dataFor(
  named: Partial<Record<'data' | 'labels' | 'runs', string | undefined>>,
  model: string,
): Promise<Pick<CheckpointHeader, 'data' | 'labels'> & { readonly isOwn: boolean }> {
  const { labels, runs = RUNS } = named;
  const given = named.data ?? dataBeside(labels);
  const own = given === undefined ? await trainedOn(runs, model) : undefined;
  return {
    data: given ?? own?.data ?? null,
    labels: labels ?? own?.labels,
    isOwn: own !== undefined,
  };
}
