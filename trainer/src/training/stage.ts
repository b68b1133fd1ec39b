import type { StageConfig } from '../config/train-config.ts';
import type { Validation } from '../evaluation/label-metrics.ts';
import { formatPercent, formatSeconds } from '../files/progress.ts';
import { isMultiLabel, type Plan } from '../plan/plan.ts';
import type { CheckpointHeader } from '../runs/checkpoint.ts';
import type { SharedFeatures } from './feature-cache.ts';
import type { Fit } from './fit.ts';

/** Of many short epochs, about as many are validated, evenly spread and the last one among them. */
export const VALIDATIONS = 25;

/** Every so many epochs of a stage are validated, and the last one. */
export function epochsPerValidation({
  epochs,
  patience,
}: Pick<StageConfig, 'epochs' | 'patience'>): number {
  return patience > 0 ? 1 : Math.max(1, Math.ceil(epochs / VALIDATIONS));
}

export interface Stage extends Pick<Fit, 'plan' | 'source' | 'classes' | 'config' | 'sizeIn'> {
  readonly number: 1 | 2;
  readonly title: string;
  /**
   * Measures the plan on the validation images, by which the best weights are chosen. Without it, the last
   * ones are kept.
   */
  readonly validate: (() => Promise<Validation>) | undefined;
  /** How many images `validate` measures on. */
  readonly validationImages?: number;
  /** Whether another stage takes its place where it does not improve. */
  readonly mayFail?: boolean;
}

/** The parts of a run that a session needs. */
export interface SessionRun {
  /** Folder of the checkpoint and the log. */
  readonly directory: string;
  /** Abort it to stop after the current step, with a checkpoint. */
  readonly signal: AbortSignal;
  /** Abort it to end the training after the current step, with the best weights so far. */
  readonly enough?: AbortSignal | undefined;
  /** Leave the checkpoint and the log as they are, so that the training can go on. */
  readonly readOnly?: boolean;
  /** Time between two checkpoints; three minutes by default. */
  readonly checkpointEveryMs?: number;
  /** Where several machines keep the features of stage 1 together. */
  readonly features?: SharedFeatures | undefined;
  /** Called before a stage's first epoch of a session and after each, with the number that are complete. */
  onEpoch?(stage: Pick<Stage, 'number' | 'config'>, epoch: number): void;
  say(line: string): void;
}

/** What the accuracy of a plan's validation is called. */
export function accuracyName(plan: Plan): string {
  return isMultiLabel(plan) ? 'mean average precision' : 'accuracy';
}

/** The line of an epoch, without its title. */
export function resultOf(
  plan: Plan,
  { loss, metrics, seconds }: { loss: number; metrics: Validation | undefined; seconds: number },
): string {
  const right = metrics
    ? [`validation ${accuracyName(plan)} ${formatPercent(metrics.accuracy)}`]
    : [];
  return [`loss ${loss.toFixed(4)}`, ...right, `${formatSeconds(seconds)} elapsed`].join(', ');
}

/** Weights of a stage that could be kept, by their validation. */
export type Candidate = NonNullable<CheckpointHeader['best']>;

/**
 * Whether weights are kept rather than the best before. Equal accuracies, which are common with few validation
 * images, are decided by the lower loss.
 *
 * @param ended for the weights that a cycle ends with, the number of images that validate: the rate falls to 0
 *   for them, and few images choose among all epochs mostly by chance, so the end is kept unless others were
 *   better by more than the standard error of their accuracy (Breiman et al. 1984, §3.4.3)
 */
export function isBetter(candidate: Candidate, best: Candidate | null, ended?: number): boolean {
  if (!best) return true;
  const { accuracy } = best;
  if (ended !== undefined) {
    return candidate.accuracy >= accuracy - standardError(accuracy, ended);
  }
  if (candidate.accuracy !== accuracy) return candidate.accuracy > accuracy;
  return (candidate.logLoss ?? Infinity) < (best.logLoss ?? Infinity);
}

type StopOptions = Pick<Stage, 'mayFail' | 'validationImages'> & {
  readonly config: Pick<StageConfig, 'patience' | 'epochs'>;
};

/**
 * Whether a stage ends before its last epoch: by early stopping (Prechelt 1998, third class of criteria: no
 * improvement in `patience` epochs), or, where it may fail, when half of it has only made the weights worse, by
 * more than two standard errors of their accuracy.
 *
 * @param accuracy of the latest epoch on the validation images
 */
export function shouldStop(
  { config: { patience, epochs }, mayFail, validationImages = 0 }: StopOptions,
  { epoch, best }: Pick<CheckpointHeader, 'epoch' | 'best'>,
  accuracy?: number,
): boolean {
  if (patience > 0 && epoch - (best?.epoch ?? 0) >= patience) return true;
  if (!mayFail || best?.epoch !== 0 || accuracy === undefined || 2 * epoch < epochs) return false;
  return accuracy < best.accuracy - 2 * standardError(best.accuracy, validationImages);
}

/** With two images more right and two wrong, so that few, all of them right, do not make for certainty (Agresti & Coull 1998). */
function standardError(accuracy: number, images: number): number {
  const rate = (accuracy * images + 2) / (images + 4);
  return Math.sqrt((rate * (1 - rate)) / (images + 4));
}

/** What {@link isBetter} takes for an epoch of a stage; undefined where it does not end a cycle. */
export function endedBy(
  epoch: number,
  { epochs, schedule }: Pick<StageConfig, 'epochs' | 'schedule'>,
  images: number,
): number | undefined {
  return schedule === 'one-cycle' && epoch === epochs ? images : undefined;
}
