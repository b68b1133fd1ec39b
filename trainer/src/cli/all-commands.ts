import { datasets } from '../commands/datasets.ts';
import { deploy } from '../commands/deploy.ts';
import { dev } from '../commands/dev.ts';
import { doctor } from '../commands/doctor.ts';
import { evaluateCommand } from '../commands/evaluate.ts';
import { exportCommand } from '../commands/export.ts';
import { findLr } from '../commands/find-lr.ts';
import { jobs } from '../commands/jobs.ts';
import type { Command } from '../commands/options/command.ts';
import { predictCommand } from '../commands/predict.ts';
import { report } from '../commands/report.ts';
import { review } from '../commands/review/review.ts';
import { runs } from '../commands/runs.ts';
import { add } from '../commands/serving/add.ts';
import { feedback } from '../commands/serving/feedback.ts';
import { promote } from '../commands/serving/promote.ts';
import { rollback } from '../commands/serving/rollback.ts';
import { similar } from '../commands/serving/similar.ts';
import { setup } from '../commands/setup.ts';
import { summary } from '../commands/summary.ts';
import { soup } from '../commands/sweep/soup.ts';
import { sweep } from '../commands/sweep/sweep.ts';
import { worker } from '../commands/sweep/worker.ts';
import { train } from '../commands/train.ts';
import { unknownCommand } from '../commands/unknown.ts';

/** Every command, below the heading that it stands below in the help text. */
export const commandGroups: Readonly<Record<string, readonly Command[]>> = {
  'Train:': [summary, datasets, train, findLr, sweep, worker, soup, runs, report, review],
  'Use a model:': [
    predictCommand,
    similar,
    evaluateCommand,
    add,
    unknownCommand,
    dev,
    deploy,
    promote,
    rollback,
    feedback,
    jobs,
    exportCommand,
  ],
  'This machine:': [doctor, setup],
};

export const allCommands: readonly Command[] = Object.values(commandGroups).flat();

/** What every command takes beside its own options. */
export const HELP_OPTIONS: Readonly<Record<string, string>> = {
  help: 'print this text',
  'help-all': 'and every setting and name',
};
