import { setTimeout } from 'node:timers/promises';
import { formatPercent } from '../files/progress.ts';
import { featureShares } from './feature-shares.ts';
import { trialsOf } from './halving.ts';
import type { Queue } from './queue.ts';
import {
  messageOf,
  readSweep,
  type SweepFile,
  type TrialResult,
  writeSweep,
} from './sweep-file.ts';
import type { TrialMessage } from './work-message.ts';

const POLL_MS = 1000;

export interface Coordination {
  /** Of the sweep's folder. */
  readonly name: string;
  /**
   * Shares in which the workers compute the features that trials begin with, before any of them begins; 0 leaves
   * them to each trial.
   */
  readonly shares: number;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/**
 * Puts a sweep's trials into the queue, rung by rung, and gathers their results into its file, until there is one
 * of each. It can be stopped and begun again at any time: the file and the queue know what is done.
 *
 * @param directory of the sweep
 * @throws the signal's reason
 */
export async function coordinate(
  directory: string,
  queue: Queue,
  options: Coordination,
): Promise<SweepFile> {
  const { name, signal, say } = options;
  let sweep = await readSweep(directory);
  for (const [rung, until] of sweep.rungs.entries()) {
    const names = trialsOf(sweep, rung);
    const missing = () => names.filter((trial) => sweep.results[trial]?.[rung] === undefined);
    if (rung === 0 && missing().length > 0) await computeFeatures(sweep, queue, options);
    await queue.send(missing().map((trial) => trialMessage(sweep, { name, trial, rung, until })));
    while (missing().length > 0) {
      const found = (await queue.results(sweep.key)).filter(
        (one) => one.rung === rung && missing().includes(one.trial),
      );
      for (const { trial, result } of found) {
        sweep = withResult(sweep, trial, result);
        say(progressLine(sweep, { trial, rung, done: names.length - missing().length }, names));
      }
      if (found.length > 0) await writeSweep(directory, sweep);
      if (missing().length > 0) await setTimeout(POLL_MS, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  }
  return sweep;
}

/** Has the workers compute the features of all trials. */
async function computeFeatures(
  sweep: SweepFile,
  queue: Queue,
  { name, shares, signal, say }: Coordination,
): Promise<void> {
  if (shares === 0) return;
  const work = featureShares(sweep, name, shares);
  await queue.send(work);
  let left = Number.POSITIVE_INFINITY;
  while (left > 0) {
    const now = await queue.featuresLeft(sweep.key);
    if (now < left) say(`Features: ${work.length - now} of ${work.length} shares computed.`);
    left = now;
    if (left > 0) await setTimeout(POLL_MS, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
  }
}

function trialMessage(
  sweep: SweepFile,
  at: { name: string; trial: string; rung: number; until: number },
): TrialMessage {
  const { name, trial, rung, until } = at;
  const found = sweep.trials.find((one) => one.name === trial);
  if (found === undefined) throw new Error(`The sweep has no trial ${trial}.`);
  return { kind: 'trial', ...messageOf(sweep, name, found), trial, rung, until };
}

function withResult(sweep: SweepFile, trial: string, result: TrialResult): SweepFile {
  const before = sweep.results[trial] ?? [];
  return { ...sweep, results: { ...sweep.results, [trial]: [...before, result] } };
}

function progressLine(
  { trials, results, rungs, varied }: SweepFile,
  { trial, rung, done }: { trial: string; rung: number; done: number },
  names: readonly string[],
): string {
  const { settings = {}, config } = trials.find(({ name }) => name === trial) ?? {};
  const values = varied.map((path) => `${path} ${settings[path]}`);
  const result = results[trial]?.[rung];
  const gave =
    result && 'accuracy' in result ? `validation ${formatPercent(result.accuracy)}` : result?.error;
  const part = rungs.length > 1 ? `Rung ${rung + 1} of ${rungs.length}, ` : '';
  return `${part}${done}/${names.length}: trial ${trial} (${[...values, `seed ${config?.seed}`].join(', ')}): ${gave}`;
}
