import { mean, rankSettings } from './rank.ts';
import type { SweepFile } from './sweep-file.ts';

/** How much a varied field mattered. */
export interface Effect {
  readonly path: string;
  /**
   * Share of the variance of the accuracy between settings that this field alone explains, 0–1: the main effect
   * of an analysis of variance, where drawn numbers count by thirds. What is left belongs to fields together.
   */
  readonly share: number;
  /** Mean accuracy by value, or by the third that a value lies in, ascending where they are numbers. */
  readonly levels: readonly { readonly name: string; readonly accuracy: number }[];
}

/** More different numbers than this are taken by thirds. */
const MOST_LEVELS = 6;

/**
 * What mattered, the most first. Only the first rung has all the trials at one length, so it is compared.
 *
 * @returns nothing for fewer than three settings or for a single field, of which the table says all
 */
export function effectsOf(sweep: SweepFile): Effect[] {
  const sound = rankSettings(sweep, 0).flatMap(({ settings, accuracy }) =>
    accuracy === undefined ? [] : [{ settings, accuracy }],
  );
  if (sound.length < 3 || sweep.varied.length < 2) return [];
  const center = mean(sound.map(({ accuracy }) => accuracy));
  const total = sound.reduce((sum, { accuracy }) => sum + (accuracy - center) ** 2, 0);
  return sweep.varied
    .map((path) => {
      const level = levelsOf(sound.map(({ settings }) => settings[path] ?? ''));
      const groups = [...Map.groupBy(sound, ({ settings }) => level(settings[path] ?? ''))].map(
        ([name, members]) => ({
          name,
          count: members.length,
          accuracy: mean(members.map(({ accuracy }) => accuracy)),
        }),
      );
      const explained = groups.reduce(
        (sum, { count, accuracy }) => sum + count * (accuracy - center) ** 2,
        0,
      );
      const levels = groups.sort((a, b) => Number.parseFloat(a.name) - Number.parseFloat(b.name));
      return { path, share: total === 0 ? 0 : explained / total, levels };
    })
    .sort((a, b) => b.share - a.share);
}

/** Names what a value is taken as. */
function levelsOf(values: readonly string[]): (value: string) => string {
  const numbers = [...new Set(values)].map(Number).sort((a, b) => a - b);
  if (numbers.length <= MOST_LEVELS || numbers.some(Number.isNaN)) return (value) => value;
  const thirds = [0, 1, 2].map((third) =>
    numbers.slice(
      Math.floor((third * numbers.length) / 3),
      Math.floor(((third + 1) * numbers.length) / 3),
    ),
  );
  return (value) => {
    const third = thirds.find((members) => members.includes(Number(value))) ?? [];
    return `${third[0]}–${third.at(-1)}`;
  };
}
