/**
 * Minutes of training until 92.6 % of the 10,000 CIFAR-10 test images are right, the figure of the
 * tutorial that this project follows.
 *
 *     pnpm --filter trainer bench:accuracy [--config fast] [--every 100] [--photos <folder>]
 *         [any field of the experiment]
 *
 * The experiment's two stages, from images on disk: features, the head, then everything, until the
 * mark is passed or the epochs are over. Every few steps of stage 2 the weights that would be exported
 * are tried on a thousand test images, and on all of them where they come near. That is a measurement,
 * not training, and its time is left out. Beside the minutes on the clock stand those of the processor,
 * divided by its cores: what the clock would show if nothing else had run.
 *
 * With `--photos`, the network that passed the mark is tried on the photos of a folder of class folders,
 * as `bench:photos` does.
 *
 * The reference is a recorded one, of Keras on the same kind of machine: Lite0 at 128 px from the
 * stage-1 head, Adam 2e-4 with a warm-up, flips and crops, 92.7 % after the first epoch, ten minutes.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Tensor } from '@tensorflow/tfjs';
import { reportFigures } from 'shared/bench/report-figures';
import { startBackend } from '../src/backends/start-backend.ts';
import { configFields, overrideConfig } from '../src/config/config-fields.ts';
import { forNetwork } from '../src/config/for-network.ts';
import { configs } from '../src/config/registry.ts';
import { sizeInEpoch } from '../src/config/stage-length.ts';
import type { TrainConfig } from '../src/config/train-config.ts';
import { type BatchSource, imageBatches } from '../src/data/batches.ts';
import { prepareImages } from '../src/data/prepare-images.ts';
import { subset } from '../src/datasets/split.ts';
import { evaluate, INFERENCE_BATCH } from '../src/evaluation/evaluate.ts';
import {
  listPhotos,
  measurePhotos,
  type PhotoFolder,
  type PhotoResult,
} from '../src/evaluation/measure-photos.ts';
import { measure } from '../src/evaluation/metrics.ts';
import { startProgress } from '../src/files/progress.ts';
import { fromUser } from '../src/files/project.ts';
import { buildNetwork } from '../src/models/build-network.ts';
import { cutHead } from '../src/models/head.ts';
import { type Plan, trainableParametersOf } from '../src/plan/plan.ts';
import { runPlan } from '../src/plan/run.ts';
import { computeFeatures } from '../src/training/features.ts';
import { type Fit, fit } from '../src/training/fit.ts';
import { Optimizer } from '../src/training/optimizer.ts';

const MARK = 0.926;
/** On a thousand images, from where it is worth a look at all: they are up to 1.4 points apart. */
const NEAR = 0.91;
const KERAS = { minutes: 10, accuracy: 0.927 };

const { values } = parseArgs({
  options: {
    ...Object.fromEntries(configFields.map(({ path }) => [path, { type: 'string' as const }])),
    config: { type: 'string', default: 'fast' },
    every: { type: 'string', default: '100' },
    photos: { type: 'string' },
    record: { type: 'boolean' },
  },
});
const named = configs[values.config];
if (!named) throw new Error(`There is no experiment ${values.config}.`);
const config: TrainConfig = overrideConfig(forNetwork(named, values), values);
const every = Number(values.every);
const never = new AbortController().signal;
const quiet = { advance: () => {}, stop: () => {} };

const backend = await startBackend('native', console.log);
const source = { data: null, strict: true, signal: never, say: console.log };
const { dataset, preprocess, splits, images } = await prepareImages(config, source);
const folder = values.photos && (await listPhotos(fromUser(values.photos), dataset.labels));
const few = imageBatches(
  {
    ...splits.test,
    indices: subset(splits.test.indices, splits.test.set, { count: 1000, seed: 1 }),
  },
  preprocess,
);

/** Runs only while it trains: minutes on the clock, and those of the processor by its cores. */
const stopwatch = {
  clock: 0,
  processor: 0,
  since: performance.now(),
  usage: process.cpuUsage(),
  read() {
    const { user, system } = process.cpuUsage(this.usage);
    return {
      minutes: this.clock + (performance.now() - this.since) / 60e3,
      processor_minutes: this.processor + (user + system) / 60e6 / availableParallelism(),
    };
  },
  async pause<T>(run: () => Promise<T>): Promise<T> {
    const { minutes, processor_minutes } = this.read();
    try {
      return await run();
    } finally {
      Object.assign(this, {
        clock: minutes,
        processor: processor_minutes,
        since: performance.now(),
        usage: process.cpuUsage(),
      });
    }
  },
};
const accuracyOf = async (plan: Plan, source: BatchSource) =>
  measure(
    await evaluate((inputs) => runPlan(plan, inputs), source, { progress: quiet, signal: never }),
  ).top1;

type Photos = Pick<PhotoResult, 'right' | 'photos'>;
let passed: { accuracy: number; epoch: number; steps: number; photos?: Photos } | undefined;
class Passed extends Error {}

const { plan } = await buildNetwork(config, dataset.labels.length);
const { trunk, head } = cutHead(plan);
const features = await computeFeatures(trunk, images.plain, {
  batchSize: INFERENCE_BATCH,
  progress: startProgress('features', images.plain.length),
  signal: never,
});
await learn(1, config.stage1, head, features, {});
const atHead = await stopwatch.pause(() => accuracyOf(plan, images.test));
say(`stage 1: ${percent(atHead)} of the test images`);

const { epochs } = config.stage2;
await learn(2, config.stage2, plan, images.augmented, {
  sizeIn: (epoch) => sizeInEpoch(config, epoch, epochs),
  look: async (epoch, steps) => {
    const near = await accuracyOf(plan, few);
    say(`epoch ${epoch + 1}, step ${steps}: ${percent(near)} of a thousand test images`);
    if (near < NEAR) return;
    const accuracy = await accuracyOf(plan, images.test);
    say(`epoch ${epoch + 1}, step ${steps}: ${percent(accuracy)} of all`);
    if (accuracy < MARK) return;
    passed = { accuracy, epoch: epoch + 1, steps, ...(folder && { photos: await tryOn(folder) }) };
    throw new Passed();
  },
}).catch((error: unknown) => {
  if (!(error instanceof Passed)) throw error;
});

const { minutes, processor_minutes } = stopwatch.read();
const own = { minutes: round(minutes), processor_minutes: round(processor_minutes) };
console.log(
  passed
    ? `\n${config.name}: ${percent(passed.accuracy)} after ${own.minutes} minutes (${own.processor_minutes} of ${availableParallelism()} cores), in epoch ${passed.epoch} of stage 2`
    : `\n${config.name}: not ${percent(MARK)} within its epochs`,
);
console.log(`Keras, recorded: ${percent(KERAS.accuracy)} after ${KERAS.minutes} minutes`);
await reportFigures('trainer bench:accuracy', {
  ratio_keras_recorded: passed ? Number((KERAS.minutes / own.minutes).toFixed(2)) : 0,
  mark: MARK,
  ...own,
  ...passed,
  keras_recorded: KERAS,
  backend: backend.description,
});

interface Extras extends Partial<Pick<Fit, 'sizeIn'>> {
  /** Called with the exported weights in place, while the clock stands still. */
  readonly look?: (epoch: number, step: number) => Promise<void>;
}

async function learn(
  number: 1 | 2,
  stage: TrainConfig['stage1'] | TrainConfig['stage2'],
  plan: Plan,
  source: BatchSource,
  { look, ...extras }: Extras,
): Promise<void> {
  const optimizer = new Optimizer(trainableParametersOf(plan), stage);
  try {
    await fit({
      ...extras,
      plan,
      source,
      classes: dataset.labels.length,
      config: stage,
      optimizer,
      seed: `${config.seed}/stage ${number}`,
      startProgress: (epoch, done) =>
        startProgress(`stage ${number}, epoch ${epoch + 1}`, source.length, done),
      onStep: async ({ epoch, step }) => {
        if (look && step % every === 0) {
          await stopwatch.pause(() => optimizer.averaged(() => look(epoch, step)));
        }
      },
    });
  } finally {
    optimizer.dispose();
  }
}

async function tryOn(folder: PhotoFolder): Promise<Photos> {
  const labels = dataset.labels.map((name) => ({ name }));
  const run = (inputs: Tensor) => runPlan(plan, inputs);
  const { right, photos } = await measurePhotos({ run, preprocess, labels }, folder);
  say(`${right} of ${photos} photos`);
  return { right, photos };
}

function say(line: string): void {
  console.log(`${round(stopwatch.read().minutes)} min: ${line}`);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
