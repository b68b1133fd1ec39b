import { formatPercent } from '../../files/progress.ts';
import { graft } from '../../files/project.ts';
import type { Soup } from '../../sweeps/soup.ts';
import { publicCommand } from '../options/choose-run.ts';
import { defineCommand } from '../options/command.ts';
import { findRun } from '../options/find-model.ts';
import { quoted, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';
import { untilInterrupted } from '../options/until-interrupted.ts';
import type { FinishedRun } from './make-soup.ts';

export const soup = defineCommand({
  name: 'soup',
  about: 'Average trainings that share their start, if that is no worse',
  details:
    'From the best run on, each is averaged in where the validation images do not object. The result is a run to export; where a single run is best, there is none.',
  takes: '<runs...>',
  examples: [
    ['soup my-run my-other-run', 'two trainings'],
    ['soup runs/my-sweep/1 runs/my-sweep/4', 'trials of a sweep'],
    ['soup my-run my-other-run --backend wasm', 'without TensorFlow'],
  ],
  options: { ...shared.reading, ...shared.compute, ...shared.runs },
  async run({ values, positionals, typed, say }) {
    if (positionals.length < 2) throw usage('Expected at least two runs for a soup.');
    const { loadFinished, soupIn, soupOfRuns } = await import('./make-soup.ts');
    const { runs: folder = shared.RUNS, backend, threads, folders, strict } = values;
    const runs: FinishedRun[] = [];
    for (const name of positionals)
      runs.push(await loadFinished(await findRun(folder, name), name));
    const [first] = runs;
    if (first === undefined) return;
    const into = soupIn(folder, first.header.config);
    await untilInterrupted('Stopped, and nothing was written.', async ({ signal }) => {
      const command = publicCommand(typed, 'soup');
      const options = { backend, threads, folders, strict, signal, say, command };
      say(describeSoup(await soupOfRuns(runs, into, options), into));
    });
  },
});

/** What came of a soup, and the next command. */
export function describeSoup({ members, score, single }: Soup, into: string): string {
  const [best] = members;
  const alone = `${formatPercent(single.accuracy)} of the validation images right, loss ${single.logLoss.toFixed(4)}`;
  if (members.length === 1) {
    return `No average is as good as ${best} alone (${alone}): keep that.`;
  }
  return [
    `The average of ${members.join(', ')}: ${formatPercent(score.accuracy)} of the validation images right, loss ${score.logLoss.toFixed(4)}; ${best} alone: ${alone}.`,
    `Next, measure it on the test images, and export it: ${graft(`export --run ${quoted(into)}`)}`,
  ].join('\n');
}
