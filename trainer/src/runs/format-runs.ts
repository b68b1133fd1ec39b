import { formatPercent, formatSeconds } from '../files/progress.ts';
import type { RunRecord } from './list-runs.ts';

export const RUN_ORDERS = ['date', 'accuracy', 'time'] as const;

/** Runs that have no such number yet come last. */
export function sortRuns(runs: readonly RunRecord[], by: (typeof RUN_ORDERS)[number]): RunRecord[] {
  const keys = {
    date: ({ begun }: RunRecord) => -begun.getTime(),
    accuracy: ({ test }: RunRecord) => -(test?.quantized ?? -1),
    time: ({ seconds, isFinished }: RunRecord) => (isFinished ? seconds : Number.MAX_VALUE),
  };
  const key = keys[by];
  return runs.toSorted((a, b) => key(a) - key(b));
}

const NAMED = [
  ['recipe', 'name'],
  ['backbone', 'backbone'],
  ['size', 'size'],
] as const;

/** A table, a run a row. */
export function formatRuns(runs: readonly RunRecord[], folder: string): string {
  if (runs.length === 0) return `There are no runs in ${folder}.`;
  return table([
    ['run', 'data', ...NAMED.map(([title]) => title), 'epochs', 'time', 'validation', 'test'],
    ...runs.map((run) => [
      run.name,
      run.dataset,
      ...NAMED.map(([, path]) => text(run.settings[path])),
      `${run.epochs}`,
      formatSeconds(run.seconds),
      percent(run.validation),
      run.test ? percent(run.test.quantized) : 'unfinished',
    ]),
  ]);
}

/** Two runs side by side: the settings that differ, then what they gave. */
export function compareRuns(a: RunRecord, b: RunRecord): string {
  const paths = [...new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])];
  const inputs = [
    ['data', a.dataset, b.dataset],
    ['images', `${a.images}`, `${b.images}`],
    ['backend', a.backend, b.backend],
    ...paths.map((path) => [path, text(a.settings[path]), text(b.settings[path])]),
  ].filter(([, one, other]) => one !== other);
  const differing = inputs.length > 0 ? inputs : [['(no setting differs)', '', '']];
  const results = [
    ['epochs', `${a.epochs}`, `${b.epochs}`],
    ['training time', formatSeconds(a.seconds), formatSeconds(b.seconds)],
    accuracies('best validation', a.validation, b.validation),
    accuracies('test after stage 1', a.stage1Test, b.stage1Test),
    accuracies('test, float32', a.test?.float32, b.test?.float32),
    accuracies('test, exported', a.test?.quantized, b.test?.quantized),
  ];
  return table([['', a.name, b.name], ...differing, ['', '', ''], ...results]);
}

function accuracies(title: string, a?: number | null, b?: number | null): string[] {
  const both = typeof a === 'number' && typeof b === 'number';
  const points = both ? 100 * (b - a) : 0;
  const gain = both ? ` (${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(2)})` : '';
  return [title, percent(a), percent(b) + gain];
}

function percent(fraction: number | null | undefined): string {
  return typeof fraction === 'number' ? formatPercent(fraction) : '–';
}

function text(value: unknown): string {
  if (value === undefined) return '–';
  return value === null ? 'none' : Array.isArray(value) ? value.join() || 'none' : `${value}`;
}

/** Columns of equal width, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
