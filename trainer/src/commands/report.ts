import { defineCommand } from './options/command.ts';
import { findRun } from './options/find-model.ts';
import { oneOf } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

export const report = defineCommand({
  name: 'report',
  about: "Write a run's report.html anew, also while it goes on",
  details: 'A run is named by its folder. "graft runs" lists them.',
  takes: '<run>',
  examples: [
    ['report 2026-01-31T12-00-00-fast', 'a run of trainer/runs'],
    ['report ./pets', 'the folder of a run'],
    ['report pets --runs ~/experiments', 'a run of another folder'],
  ],
  options: { ...shared.runs },
  async run({ values, positionals, say }) {
    const run = await findRun(values.runs ?? shared.RUNS, oneOf(positionals, 'run'));
    const { writeReport } = await import('../report/write-report.ts');
    say(`Written to ${await writeReport(run)}.`);
  },
});
