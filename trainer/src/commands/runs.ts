import { compareRuns, formatRuns, RUN_ORDERS, sortRuns } from '../runs/format-runs.ts';
import { listRuns, type RunRecord, readRun } from '../runs/list-runs.ts';
import { defineCommand } from './options/command.ts';
import { findRun } from './options/find-model.ts';
import { nameOf, positiveOf, usage, within } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const runs = defineCommand({
  name: 'runs',
  about: 'List the trainings with what they gave, or compare two',
  details:
    'Compared are the settings that differ, and what they gave; of a sweep, all its trials, and what mattered.',
  takes: '[<run> <run>]',
  examples: [
    ['runs', 'the latest first'],
    ['runs --sort accuracy --limit 5', 'the five best'],
    ['runs my-run my-other-run', 'what differed, what it gave'],
  ],
  options: {
    sort: {
      group: 'List',
      value: '<by>',
      choices: RUN_ORDERS,
      default: 'date',
      about: 'the latest, the most accurate or the quickest first',
    },
    limit: {
      group: 'List',
      value: '<n>',
      about: 'list so many',
      otherwise: 'all',
      parse: positiveOf,
    },
    sweep: {
      group: 'List',
      value: '<sweep>',
      about: 'the trials of a sweep instead, named by its folder',
      parse: nameOf,
    },
    ...shared.json,
    ...shared.runs,
  },
  async run({ values, positionals, say }) {
    const folder = values.runs ?? shared.RUNS;
    const [one, other, ...more] = positionals;
    if (values.sweep !== undefined) {
      const { readSweep } = await import('../sweeps/sweep-file.ts');
      const { formatSweep } = await import('../sweeps/format-sweep.ts');
      const sweep = await readSweep(within(folder, values.sweep));
      return say(values.json ? JSON.stringify(sweep) : formatSweep(sweep));
    }
    if (one === undefined) {
      const sorted = sortRuns(await listRuns(folder), values.sort).slice(0, values.limit);
      return say(values.json ? JSON.stringify(sorted) : formatRuns(sorted, folder));
    }
    if (other === undefined || more.length > 0) {
      throw usage(`Expected no run or two to compare, but got ${positionals.join(', ')}.`);
    }
    const pair = [await recordOf(folder, one), await recordOf(folder, other)] as const;
    say(values.json ? JSON.stringify(pair) : compareRuns(...pair));
  },
});

async function recordOf(folder: string, name: string): Promise<RunRecord> {
  const record = await readRun(await findRun(folder, name), name);
  if (record !== undefined) return record;
  throw usage(`Expected a run that has begun, but the log of ${name} has no start.`);
}
