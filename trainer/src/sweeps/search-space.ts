import { configFields } from '../config/config-fields.ts';
import { createRandom, type Random, shuffle } from '../config/random.ts';
import { TrainerError } from '../errors.ts';
import { listNames } from '../files/list-names.ts';

/** A field of the experiment that a sweep varies. */
export interface Dimension {
  /** Such as `stage2.peakLearningRate`. */
  readonly path: string;
  /** The values to try, as texts; or a range to draw from. */
  readonly values: readonly string[] | Range;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The texts of the varied fields, by path. */
export type Settings = Readonly<Record<string, string>>;

/** A range over at least this factor is drawn from on a logarithmic scale, as learning rates are. */
const LOGARITHMIC_FROM = 10;

/**
 * Understands `size=112,128` and `stage2.peakLearningRate=1e-4..1e-3`. Values that have commas themselves are
 * separated by semicolons: `stage2.sizes=96,128;128`.
 *
 * @throws TrainerError `config_invalid`
 */
export function parseDimension(text: string): Dimension {
  const [, path = '', list = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (list === '') throw invalid(`Expected <field>=<values> for --vary, but got ${text}.`);
  if (!configFields.some((field) => field.path === path)) {
    throw invalid(
      `There is no field ${path} to vary: graft train --help-all lists all, such as size.`,
    );
  }
  if (path === 'seed') throw invalid('Expected --seeds instead of --vary seed.');
  const [, from, to] = /^([^,;]+)\.\.([^,;]+)$/.exec(list) ?? [];
  if (from !== undefined) return { path, values: rangeOf(text, Number(from), Number(to)) };
  const values = list.split(list.includes(';') ? ';' : ',').map((value) => value.trim());
  const twice = values.filter((value, index) => values.indexOf(value) !== index);
  if (twice.length > 0) {
    throw invalid(`Expected each value of ${path} once, but ${listNames(twice, 3)} came twice.`);
  }
  return { path, values };
}

function rangeOf(text: string, from: number, to: number): Range {
  if (from < to) return { from, to };
  throw invalid(`Expected a range such as 1e-4..1e-3 for --vary, but got ${text}.`);
}

/**
 * The settings of a sweep's trials.
 *
 * @param count draws so many at random; undefined takes every combination
 * @param seed of the draw
 * @throws TrainerError `config_invalid` for a range without a count
 */
export function chooseSettings(
  dimensions: readonly Dimension[],
  count: number | undefined,
  seed: number,
): Settings[] {
  const random = createRandom(seed);
  const range = dimensions.find(({ values }) => !isList(values));
  if (range === undefined) {
    const grid = gridOf(dimensions);
    return count === undefined ? grid : shuffle(grid, random).slice(0, count);
  }
  if (count === undefined) {
    throw invalid(`Expected --trials, the number to draw, with the range of ${range.path}.`);
  }
  return Array.from({ length: count }, () => draw(dimensions, random));
}

function gridOf(dimensions: readonly Dimension[]): Settings[] {
  return dimensions.reduce<Settings[]>(
    (grid, { path, values }) =>
      grid.flatMap((settings) =>
        isList(values) ? values.map((value) => ({ ...settings, [path]: value })) : [],
      ),
    [{}],
  );
}

function draw(dimensions: readonly Dimension[], random: Random): Settings {
  return Object.fromEntries(
    dimensions.map(({ path, values }) => [
      path,
      isList(values)
        ? (values[random.below(values.length)] as string)
        : drawNumber(path, values, random),
    ]),
  );
}

function drawNumber(path: string, { from, to }: Range, random: Random): string {
  const share = random.float();
  const isLogarithmic = from > 0 && to / from >= LOGARITHMIC_FROM;
  const number = isLogarithmic ? from * (to / from) ** share : from + (to - from) * share;
  const isWhole = configFields
    .find((field) => field.path === path)
    ?.expected.includes('whole number');
  // Three digits are enough to tell two apart, and can be typed again.
  return isWhole ? `${Math.round(number)}` : `${Number(number.toPrecision(3))}`;
}

function isList(values: Dimension['values']): values is readonly string[] {
  return Array.isArray(values);
}

function invalid(message: string): TrainerError {
  return new TrainerError('config_invalid', `${message} See --help.`);
}
