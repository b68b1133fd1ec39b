import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { readModelCard } from 'shared/inference/model-directory';
import { modelFiles } from 'shared/inference/model-files-node';
import { readCard } from '../../report/write-report.ts';
import { checkpointIn, loadCheckpoint } from '../../runs/checkpoint.ts';
import { usage } from '../options/option-values.ts';

/**
 * The data set that a model was trained on, as the run that wrote it has it.
 *
 * @returns null for CIFAR-10
 * @throws TrainerError `config_invalid` where the run is not there
 */
export async function findTrainedData(directory: string, runs: string): Promise<string | null> {
  const { card } = await readModelCard(modelFiles(directory));
  for (const name of await readdir(runs).catch(() => [])) {
    const run = join(runs, name);
    const other = await readCard(run).catch(() => undefined);
    if (!card.training || !isDeepStrictEqual(other?.training, card.training)) continue;
    return (await loadCheckpoint(checkpointIn(run))).header.data;
  }
  throw usage(
    `Expected --data with the images that trained ${card.id}, since its run is not in ${runs}.`,
  );
}
