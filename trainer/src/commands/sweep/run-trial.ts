import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { TrainerError, type TrainerErrorCode } from '../../errors.ts';
import { graft } from '../../files/project.ts';
import { checkpointIn, loadCheckpoint } from '../../runs/checkpoint.ts';
import { epochsUntil, measureTrial } from '../../sweeps/measure-trial.ts';
import { openShared } from '../../sweeps/share-features.ts';
import type { TrialResult } from '../../sweeps/sweep-file.ts';
import type { FeaturesMessage, TrialMessage, WorkMessage } from '../../sweeps/work-message.ts';
import { quoted } from '../options/option-values.ts';
import { computeShare } from '../training/compute-share.ts';
import { runStages } from '../training/train-in-stages.ts';

/** What lies in the trial itself, so that another machine would come to it too. */
const FINAL: readonly TrainerErrorCode[] = ['loss_not_finite', 'config_invalid'];

export interface Place {
  /** Folder of the runs. */
  readonly runs: string;
  /** Where this machine has the images, if elsewhere. */
  readonly data: string | undefined;
  readonly threads: number | undefined;
  /** Where it keeps features together with other machines, if elsewhere than the sweep says. */
  readonly features: string | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** What a worker computes with: the sweep's images, backend and features, as this machine has them. */
function imagesOf(work: WorkMessage, { data, threads, features, say }: Place) {
  return {
    data: data ?? work.data,
    folders: work.folders ?? undefined,
    labels: work.labels ?? undefined,
    strict: work.strict,
    backend: work.backend,
    threads,
    features: openShared(features ?? work.features, say),
    say,
  };
}

/** Computes a share of the features that trials begin with. @throws as {@link runTrial} does */
export async function runFeatures(work: FeaturesMessage, place: Place): Promise<void> {
  const options = { ...imagesOf(work, place), signal: place.signal };
  const computed = await computeShare(work.config, options, work);
  place.say(`Features, share ${work.share + 1} of ${work.of}: ${computed} shards computed.`);
}

/**
 * Trains a trial up to its share of stage 2, from its checkpoint where it has one, and leaves one. Whoever trains
 * it, and however often it is interrupted, the result is the same.
 *
 * @throws the signal's reason; TrainerError where this machine cannot train it
 */
export async function runTrial(trial: TrialMessage, place: Place): Promise<TrialResult> {
  const { config, until } = trial;
  const directory = join(place.runs, trial.sweep, trial.trial);
  const begun = await loadCheckpoint(checkpointIn(directory)).catch(() => undefined);
  const resume = isDeepStrictEqual(begun?.header.config, config);
  if (!resume) await rm(directory, { recursive: true, force: true });
  const reached = new AbortController();
  const command = graft(`runs --sweep ${quoted(trial.sweep)}`);
  try {
    await runStages(config, {
      ...{ directory, resume, command, publicCommand: command, resumeCommand: command },
      watchCommand: graft(`report ${quoted(directory)} --live`),
      ...imagesOf(trial, place),
      // Nothing is exported.
      ...{ models: directory, modelId: undefined },
      signal: AbortSignal.any([place.signal, reached.signal]),
      onEpoch({ number, config: stage }, epoch) {
        const last = epochsUntil(stage, until);
        if (number === 2 && epoch >= last && last < stage.epochs) reached.abort();
      },
    });
  } catch (error) {
    place.signal.throwIfAborted();
    if (error instanceof TrainerError && FINAL.includes(error.code))
      return { error: error.message };
    if (!reached.signal.aborted) throw error;
  } finally {
    tf.disposeVariables();
  }
  return measureTrial(directory, config, until);
}
