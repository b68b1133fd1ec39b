import type { Measured, SweepFile, Trial } from './sweep-file.ts';

/** Trials that differ in their seed only. */
export interface RankedSettings {
  readonly settings: Trial['settings'];
  readonly trials: readonly Trial[];
  /** Index of the last rung with results. */
  readonly rung: number;
  /** Mean over the seeds; undefined where a trial failed or has no result yet. */
  readonly accuracy: number | undefined;
  readonly loss: number;
  /** Sample standard deviation of the accuracy; undefined for a single seed. */
  readonly deviation: number | undefined;
}

/**
 * The settings of a sweep, the best first: those that were trained longer, then those of the higher mean
 * accuracy on the validation images, then of the lower loss.
 *
 * @param last considers the results up to this rung only
 */
export function rankSettings(sweep: SweepFile, last = Number.POSITIVE_INFINITY): RankedSettings[] {
  const groups = Map.groupBy(sweep.trials, ({ settings }) => JSON.stringify(settings));
  return [...groups.values()]
    .map((trials) => summarize(sweep, trials, last))
    .sort((a, b) => b.rung - a.rung || (b.accuracy ?? -1) - (a.accuracy ?? -1) || a.loss - b.loss);
}

function summarize({ results }: SweepFile, trials: readonly Trial[], last: number): RankedSettings {
  const counts = trials.map(({ name }) => results[name]?.length ?? 0);
  const rung = Math.min(last, Math.max(...counts) - 1);
  const measured = trials
    .map(({ name }) => results[name]?.[rung])
    .filter((result): result is Measured => result !== undefined && 'accuracy' in result);
  const accuracies = measured.map(({ accuracy }) => accuracy);
  const isComplete = measured.length === trials.length;
  const accuracy = isComplete ? mean(accuracies) : undefined;
  return {
    settings: trials[0]?.settings ?? {},
    trials,
    rung,
    accuracy,
    loss: isComplete ? mean(measured.map(({ loss }) => loss)) : Number.POSITIVE_INFINITY,
    deviation: trials.length > 1 && isComplete ? deviation(accuracies) : undefined,
  };
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function deviation(numbers: readonly number[]): number {
  const center = mean(numbers);
  const squares = numbers.reduce((sum, number) => sum + (number - center) ** 2, 0);
  return Math.sqrt(squares / (numbers.length - 1));
}
