import { hostname } from 'node:os';
import { stretchStage } from '../config/stage-length.ts';
import type { StageConfig, TrainConfig } from '../config/train-config.ts';
import { checkpointIn, loadCheckpoint } from '../runs/checkpoint.ts';
import { epochsOf, readRunLog } from '../runs/run-log.ts';
import { type Candidate, endedBy, epochsPerValidation, isBetter } from '../training/stage.ts';
import type { TrialResult } from './sweep-file.ts';

/** The epochs of stage 2 that a share of it takes: as many as end with a validation. */
export function epochsUntil(
  stage2: Pick<StageConfig, 'epochs' | 'patience'>,
  share: number,
): number {
  const every = epochsPerValidation(stage2);
  return Math.min(stage2.epochs, Math.ceil((share * stage2.epochs) / every) * every);
}

/**
 * What a trial gave, from its log: the best epoch up to a share of stage 2, even where the training has gone
 * on since.
 *
 * @throws TrainerError `run_invalid`, `checkpoint_invalid`
 */
export async function measureTrial(
  directory: string,
  config: TrainConfig,
  until: number,
): Promise<TrialResult> {
  const log = await readRunLog(directory);
  const { header } = await loadCheckpoint(checkpointIn(directory));
  const images = log.find((line) => line.event === 'start')?.images;
  const stage2 = stretchStage(config.stage2, images?.train ?? 1);
  const last = epochsUntil(stage2, until);
  const epochs = epochsOf(log).filter(({ stage, epoch }) => stage === 1 || epoch <= last);
  const candidates = epochs.map(({ stage, epoch, validation }) => ({
    epoch: stage === 1 ? 0 : epoch,
    accuracy: validation.accuracy,
    logLoss: validation.loss,
  }));
  const best = candidates.reduce<Candidate | null>((kept, candidate) => {
    const ended = endedBy(candidate.epoch, stage2, images?.validation ?? 0);
    return isBetter(candidate, kept, ended) ? candidate : kept;
  }, null);
  if (best === null) {
    return { error: 'No class has enough images to validate on, which a sweep chooses by.' };
  }
  return {
    epochs: Math.max(...candidates.map(({ epoch }) => epoch)),
    accuracy: best.accuracy,
    loss: best.logLoss ?? Number.NaN,
    datasetHash: header.datasetHash,
    backend: header.backend,
    host: hostname(),
    directory,
  };
}
