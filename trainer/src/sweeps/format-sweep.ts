import { formatPercent } from '../files/progress.ts';
import { table } from '../runs/format-runs.ts';
import { effectsOf } from './effects.ts';
import { type RankedSettings, rankSettings } from './rank.ts';
import type { SweepFile } from './sweep-file.ts';

const BAR = 24;

/** A sweep's table, the best settings first, and what mattered. */
export function formatSweep(sweep: SweepFile): string {
  const ranked = rankSettings(sweep);
  const rows = ranked.map((one) => [
    one.trials.map(({ name }) => name).join(' '),
    ...sweep.varied.map((path) => one.settings[path] ?? ''),
    ...resultCells(sweep, one),
  ]);
  const seeds = ranked[0]?.trials.length ?? 1;
  const validation = seeds > 1 ? `validation, mean of ${seeds} seeds` : 'validation';
  const parts = [
    table([['trial', ...sweep.varied, 'epochs', validation, 'loss'], ...rows]),
    formatEffects(sweep),
    ...warnings(sweep),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function resultCells(
  sweep: SweepFile,
  { trials, rung, accuracy, loss, deviation }: RankedSettings,
): string[] {
  const results = trials.map(({ name }) => sweep.results[name]?.[rung]);
  const epochs = results.flatMap((result) => (result && 'epochs' in result ? [result.epochs] : []));
  const error = results.find((result) => result !== undefined && 'error' in result);
  if (error && 'error' in error) return ['–', error.error, ''];
  if (accuracy === undefined) return ['–', 'unfinished', ''];
  const spread = deviation === undefined ? '' : ` ± ${(100 * deviation).toFixed(2)}`;
  return [[...new Set(epochs)].join('–'), formatPercent(accuracy) + spread, loss.toFixed(4)];
}

/** Bars of each value's mean accuracy, on the scale of all the values. */
function formatEffects(sweep: SweepFile): string {
  const effects = effectsOf(sweep);
  if (effects.length === 0) return '';
  const all = effects.flatMap(({ levels }) => levels.map(({ accuracy }) => accuracy));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const rows = effects.flatMap(({ path, share, levels }) =>
    levels.map(({ name, accuracy }, index) => [
      index === 0 ? path : '',
      index === 0 ? formatPercent(share) : '',
      name,
      formatPercent(accuracy),
      '█'.repeat(
        high === low ? BAR : 1 + Math.round(((accuracy - low) / (high - low)) * (BAR - 1)),
      ),
    ]),
  );
  const title = 'What mattered: the share of the variance between settings that a field explains';
  return `${title}\n${table([['field', 'share', 'value', 'mean', ''], ...rows])}`;
}

function warnings({ results }: SweepFile): string[] {
  const measured = Object.values(results)
    .flat()
    .filter((result) => 'accuracy' in result);
  const backends = [...new Set(measured.map(({ backend }) => backend))];
  const datasets = new Set(measured.map(({ datasetHash }) => datasetHash));
  return [
    ...(backends.length > 1
      ? [`The trials ran on different backends (${backends.join(', ')}), which round differently.`]
      : []),
    ...(datasets.size > 1
      ? ['The machines have different images: their results cannot be compared.']
      : []),
  ];
}
