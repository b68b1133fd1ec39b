import { randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { overrideConfig } from '../../config/config-fields.ts';
import { forNetwork } from '../../config/for-network.ts';
import { graft } from '../../files/project.ts';
import { formatSweep } from '../../sweeps/format-sweep.ts';
import { rungsOf } from '../../sweeps/halving.ts';
import { rankSettings } from '../../sweeps/rank.ts';
import { chooseSettings, parseDimension } from '../../sweeps/search-space.ts';
import { type Measured, readSweep, type SweepFile, writeSweep } from '../../sweeps/sweep-file.ts';
import { chooseRun, runOptions, typedCommand } from '../options/choose-run.ts';
import { type Call, defineCommand } from '../options/command.ts';
import { nameOf, positiveOf, quoted, usage, within } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';
import { untilInterrupted } from '../options/until-interrupted.ts';
import { featuresOption, queueOption } from './worker.ts';

const options = {
  vary: {
    group: 'Sweep',
    value: '<field=values>',
    many: true,
    about: 'a field and its values, or 1e-4..1e-3; repeatable',
    parse: nameOf,
  },
  seeds: {
    group: 'Sweep',
    value: '<n>',
    about: 'train each setting with so many seeds',
    default: '1',
    parse: positiveOf,
  },
  trials: {
    group: 'Sweep',
    value: '<n>',
    about: 'draw so many settings at random',
    otherwise: 'all',
    parse: positiveOf,
  },
  halving: {
    group: 'Sweep',
    value: '<n>',
    about: 'one setting in so many trains on',
    otherwise: 'all',
    parse: positiveOf,
  },
  workers: {
    group: 'Machine',
    value: '<n>',
    about: 'processes of this machine that train',
    default: '1',
    parse: (text: string, name: string) => (text === '0' ? 0 : positiveOf(text, name)),
  },
  queue: { ...queueOption.queue, otherwise: 'its own' },
  features: { ...featuresOption.features, otherwise: 'none' },
  ...runOptions,
  resume: { ...shared.resume.resume, about: 'continue a sweep, named by its folder' },
} as const;

type SweepCall = Call<typeof options>;

/** Enough for as many machines; each share builds the network and opens the images once. */
const SHARES = 8;

/** More runs take longer to measure than they add. */
const MOST_IN_SOUP = 5;

export const sweep = defineCommand({
  name: 'sweep',
  about: 'Train many variants of a recipe, and say what mattered',
  details: 'The validation images decide. graft worker takes part from other machines.',
  examples: [
    ['sweep --data photos --vary size=112,128 --seeds 3', 'six trainings'],
    ['sweep --vary dropout=0.1..0.5 --trials 9 --halving 3', 'the best go on'],
    ['sweep --vary size=96,128 --queue postgres://db/graft', 'many machines'],
  ],
  options,
  fields: [],
  async run(call) {
    const { say } = call;
    const { directory, file } = await openSweep(call);
    const name = basename(directory);
    say(`${name}: ${file.trials.length} trials, in ${directory}.`);
    const resumed = graft(`sweep --resume ${quoted(name)}${placesOf(call)}`);
    await untilInterrupted(`Stopped. Go on with: ${resumed}`, async ({ signal }) => {
      const finished = await trainTrials({ directory, signal, call });
      say(`\n${formatSweep(finished)}\n\n${nextSteps(finished)}`);
    });
  },
});

async function openSweep(call: SweepCall): Promise<{ directory: string; file: SweepFile }> {
  const { values, fields } = call;
  if (values.resume === undefined) return planSweep(call);
  if (values.vary.length > 0 || Object.keys(fields).length > 0) {
    throw usage(
      'Expected no --vary and no fields with --resume, which goes on as the sweep began.',
    );
  }
  const directory = within(values.runs ?? shared.RUNS, values.resume);
  return { directory, file: await readSweep(directory) };
}

/** Writes down what is to be trained, before any of it is. */
async function planSweep(call: SweepCall): Promise<{ directory: string; file: SweepFile }> {
  const { values, fields, typed } = call;
  if (values.vary.length === 0) throw usage('Expected --vary, such as --vary size=112,128.');
  const dimensions = values.vary.map(parseDimension);
  const varied = dimensions.map(({ path }) => path);
  const twice = varied.find((path, index) => varied.indexOf(path) !== index || path in fields);
  if (twice !== undefined) throw usage(`Expected ${twice} once, but it is given twice.`);
  if (values.halving === 1) throw usage('Expected a whole number from 2 for --halving.');
  const chosen = await chooseRun(call);
  const settings = chooseSettings(dimensions, values.trials, chosen.config.seed);
  const seeds = Array.from({ length: values.seeds }, (_, index) => chosen.config.seed + index);
  const all = settings.flatMap((texts) =>
    seeds.map((seed) => ({
      settings: texts,
      config: overrideConfig(forNetwork(chosen.config, texts), { ...texts, seed: `${seed}` }),
    })),
  );
  const width = `${all.length}`.length;
  const eta = values.halving ?? 2;
  const { epochs } = chosen.config.stage2;
  const rungs = values.halving ? rungsOf(eta, settings.length, epochs) : [1];
  if (values.halving && rungs.length === 1) {
    throw usage(
      `Expected at least ${eta} settings and ${eta} epochs of stage 2 for --halving ${eta}, but there are ${settings.length} and ${epochs}: nothing could end early.`,
    );
  }
  const file: SweepFile = {
    key: randomUUID(),
    command: typedCommand(typed, 'sweep'),
    ...{ data: chosen.data, labels: chosen.labels ?? null },
    ...{ folders: values.folders ?? null, strict: values.strict },
    backend: values.backend,
    features: values.features ?? null,
    varied,
    rungs,
    eta,
    trials: all.map((one, index) => ({ name: `${index + 1}`.padStart(width, '0'), ...one })),
    results: {},
  };
  const directory = `${chosen.directory}-sweep`;
  await writeSweep(directory, file);
  return { directory, file };
}

/** Runs the queue, unless there is one, and this machine's workers, until there is a result of each trial. */
async function trainTrials({
  directory,
  signal,
  call,
}: {
  directory: string;
  signal: AbortSignal;
  call: SweepCall;
}): Promise<SweepFile> {
  const { values, say } = call;
  const { coordinate } = await import('../../sweeps/coordinate.ts');
  const { startDatabase } = await import('../../sweeps/embedded-database.ts');
  const { openQueue } = await import('../../sweeps/queue.ts');
  const { startWorkers } = await import('./local-workers.ts');
  const database = values.queue === undefined ? await startDatabase() : undefined;
  const url = values.queue ?? database?.url ?? '';
  try {
    const queue = await openQueue(url, say);
    const { workers: count, runs = shared.RUNS, threads } = values;
    const workers = await startWorkers({
      count,
      url,
      runs,
      threads,
      logs: join(directory, 'logs'),
    });
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    try {
      const options = { name: basename(directory), shares: sharesOf(call), signal: until, say };
      return await Promise.race([coordinate(directory, queue, options), workers.failure]);
    } finally {
      over.abort();
      await workers.stop();
      await queue.close();
    }
  } finally {
    await database?.stop();
  }
}

/** Shares of features, where the workers can take each other's: from one cache, or from where they keep them together. */
function sharesOf({ values: { queue, features, workers } }: SweepCall): number {
  if (queue !== undefined) return features === undefined ? 0 : SHARES;
  return workers > 1 ? workers : 0;
}

function placesOf({ values: { runs, queue, features, workers } }: SweepCall): string {
  const given = {
    runs,
    features,
    queue: queue && '$GRAFT_QUEUE',
    workers: workers === 1 ? undefined : workers,
  };
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` --${name} ${name === 'queue' ? value : quoted(`${value}`)}`)
    .join('');
}

/** Commands that use what came of it. */
function nextSteps(file: SweepFile): string {
  const ranked = rankSettings(file);
  const rung = ranked[0]?.rung ?? 0;
  const measured = ranked.flatMap(({ trials }) =>
    trials.flatMap(({ name, config }) => {
      const result = file.results[name]?.[rung];
      return result && 'accuracy' in result ? [{ seed: config.seed, ...result }] : [];
    }),
  );
  const better = (a: Measured, b: Measured) => b.accuracy - a.accuracy || a.loss - b.loss;
  // Of the best settings, the seed with the highest accuracy.
  const [first] = measured.slice(0, ranked[0]?.trials.length).sort(better);
  if (first === undefined) return 'No trial gave a result.';
  const exported = `Next, measure the best on the test images, and export it (on ${first.host}): ${graft(`export --run ${quoted(first.directory)}`)}`;
  const shareStart = file.varied.every((path) => /^(stage2|augment)\./.test(path));
  const others = measured.filter(
    (one) => one !== first && one.seed === first.seed && one.host === first.host,
  );
  if (!shareStart || others.length === 0) return exported;
  const runs = [first, ...others.sort(better).slice(0, MOST_IN_SOUP - 1)];
  const soup = `soup ${runs.map(({ directory }) => quoted(directory)).join(' ')}`;
  return `${exported}\nOr average its best, where that is no worse on the validation images: ${graft(soup)}`;
}
