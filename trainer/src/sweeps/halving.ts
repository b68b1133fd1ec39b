import { rankSettings } from './rank.ts';
import type { SweepFile } from './sweep-file.ts';

/**
 * The shares of stage 2 after which successive halving (Jamieson and Talwalkar 2016) compares: with eta 3 and
 * nine epochs, after one and three.
 *
 * @param eta one of so many goes on
 * @param candidates settings that are tried
 * @returns ascending, the last is 1
 */
export function rungsOf(eta: number, candidates: number, epochs: number): number[] {
  const shares = [1];
  let [share, left] = [1 / eta, candidates / eta];
  while (left >= 1 && share * epochs >= 1) {
    shares.unshift(share);
    share /= eta;
    left /= eta;
  }
  return shares;
}

/** The names of the trials that are trained up to a rung, once the one before it has all its results. */
export function trialsOf(sweep: SweepFile, rung: number): string[] {
  if (rung === 0) return sweep.trials.map(({ name }) => name);
  const before = new Set(trialsOf(sweep, rung - 1));
  const settings = rankSettings(sweep, rung - 1).filter(({ trials }) =>
    trials.every(({ name }) => before.has(name)),
  );
  const sound = settings.filter(({ accuracy }) => accuracy !== undefined);
  const count = Math.max(1, Math.ceil(settings.length / sweep.eta));
  return sound.slice(0, count).flatMap(({ trials }) => trials.map(({ name }) => name));
}
