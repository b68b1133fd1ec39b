import { listRuns } from '../runs/list-runs.ts';
import { defineCommand } from './options/command.ts';
import { findRun } from './options/find-model.ts';
import { oneOf, portOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';
import { untilStopped } from './options/until-stopped.ts';

export const report = defineCommand({
  name: 'report',
  about: "Write a run's report.html anew, or follow a training in a browser",
  details:
    'A run is named by its folder, which "graft runs" lists; without a name it is the latest.',
  takes: '[<run>]',
  examples: [
    ['report --live', 'watch the latest run in a browser'],
    ['report 2026-01-31T12-00-00-fast', 'a run of trainer/runs'],
    ['report ./pets', 'the folder of a run'],
  ],
  options: {
    live: {
      group: 'Watch',
      about: 'serve the report to this machine and update it as the run goes on, until Ctrl-C',
    },
    port: {
      group: 'Watch',
      value: '<n>',
      about: 'of the live report',
      otherwise: 'any that is free',
      parse: portOf,
    },
    ...shared.runs,
  },
  async run({ values, positionals, say }) {
    const run = await chooseRun(values.runs ?? shared.RUNS, positionals);
    if (!values.live) {
      const { writeReport } = await import('../report/write-report.ts');
      return say(`Written to ${await writeReport(run)}.`);
    }
    const { serveReport } = await import('../report/live/serve-report.ts');
    const { url, close } = await serveReport(run, values.port ?? 0);
    say(`The report of ${run} is at ${url} and follows the training. Ctrl-C ends it.`);
    await untilStopped();
    await close();
  },
});

async function chooseRun(folder: string, positionals: readonly string[]): Promise<string> {
  if (positionals.length > 0) return findRun(folder, oneOf(positionals, 'run'));
  const [latest] = await listRuns(folder);
  if (latest) return latest.directory;
  throw usage(`Expected a run in ${folder}, but there is none: train first.`);
}
