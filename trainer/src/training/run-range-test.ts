import { createRandom, shuffle } from '../config/random.ts';
import { sizeInEpoch, stretchStage } from '../config/stage-length.ts';
import type { TrainConfig } from '../config/train-config.ts';
import { drawInputs, subsetOf, throughPlan } from '../data/batches.ts';
import { type DataOptions, prepareImages } from '../data/prepare-images.ts';
import { hasSeveralLabels } from '../datasets/dataset.ts';
import { INFERENCE_BATCH } from '../evaluation/evaluate.ts';
import { startProgress } from '../files/progress.ts';
import { buildNetwork } from '../models/build-network.ts';
import { cutHead } from '../models/head.ts';
import { disposePlan, trainableParametersOf } from '../plan/plan.ts';
import { computeFeatures } from './features.ts';
import { findLearningRate, type RangeTest } from './find-learning-rate.ts';
import { type Fit, fit } from './fit.ts';
import { Optimizer } from './optimizer.ts';

/** Enough for the steps of a range test not to see the same images twice too often. */
const IMAGES = 1000;
const STEPS = 100;
const RANGES = { 1: { lowest: 1e-5, highest: 10 }, 2: { lowest: 1e-6, highest: 1 } } as const;

/**
 * Finds a peak learning rate for one of an experiment's stages, on a thousand images. Before stage 2
 * the head is trained as in stage 1: from a random one, everything would be torn down. It is trained on
 * a thousand others, since of those that it knows already it has nothing to learn.
 *
 * @returns the range test, as a table with a bar for each loss
 */
export async function runRangeTest(
  config: TrainConfig,
  number: 1 | 2,
  source: DataOptions,
): Promise<string> {
  const most = number === 1 ? IMAGES : 2 * IMAGES;
  const limit = Math.min(config.limit ?? most, most);
  const { dataset, images } = await prepareImages({ ...config, limit }, source);
  const classes = dataset.labels.length;
  const sample = () => drawInputs(images.plain, INFERENCE_BATCH, config.seed);
  const { plan } = await buildNetwork(config, classes, sample, hasSeveralLabels(dataset));
  const { trunk, head } = cutHead(plan);
  const order = shuffle(Array(images.plain.length).keys(), createRandom(config.seed));
  const middle = number === 1 ? order.length : order.length >> 1;
  const [known, unknown] = [order.slice(0, middle), order.slice(middle)];
  const plain = subsetOf(images.plain, known);
  const features = config.stage1.augment
    ? throughPlan(trunk, subsetOf(images.augmented, known))
    : await computeFeatures(trunk, plain, {
        batchSize: INFERENCE_BATCH,
        progress: startProgress('Features', plain.length),
        signal: source.signal,
      });
  const ofHead = { plan: head, source: features, classes };
  const stage1 = stretchStage(config.stage1, features.length);
  if (number === 2) await trainHead({ ...ofHead, config: stage1 }, config.seed, source.signal);
  const { batchSize } = number === 1 ? stage1 : config.stage2;
  const progress = startProgress('Range test', STEPS * batchSize);
  const test = await findLearningRate(
    number === 1
      ? { ...ofHead, config: stage1 }
      : {
          plan,
          source: subsetOf(images.augmented, unknown),
          classes,
          config: config.stage2,
          sizeIn: () => sizeInEpoch(config, 0, 1),
        },
    {
      ...RANGES[number],
      steps: STEPS,
      seed: config.seed,
      onStep: () => progress.advance(batchSize),
    },
  );
  progress.stop();
  disposePlan(plan);
  return `${formatRangeTest(test)}\n${adviseRate(test, number)}`;
}

/** As stage 1 does, for all its epochs. */
async function trainHead(
  stage: Pick<Fit, 'plan' | 'source' | 'classes' | 'config'>,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const { plan, source, config } = stage;
  const optimizer = new Optimizer(trainableParametersOf(plan), config);
  await fit({
    ...stage,
    optimizer,
    seed: `${seed}/stage 1`,
    startProgress: (epoch, done) =>
      startProgress(`Head, epoch ${epoch + 1}/${config.epochs}`, source.length, done),
    onStep: async () => signal.throwIfAborted(),
  });
  optimizer.dispose();
}

/** What to do with a range test. */
function adviseRate({ least, points }: RangeTest, number: 1 | 2): string {
  const losses = points.map(({ loss }) => loss);
  const lowest = points.find(({ rate }) => rate === least)?.loss ?? Number.NaN;
  // The lowest rates change nothing.
  const first = losses.slice(0, Math.ceil(losses.length / 4)).sort((a, b) => a - b);
  const before = first[first.length >> 1] ?? 0;
  if (!(lowest < SMALLEST_FALL * before)) {
    return `The loss does not fall at any rate, so that it says nothing of a good one; keep the experiment's, or try more images.`;
  }
  const [from, peak, to] = [least / 10, least / Math.sqrt(10), least].map((rate) =>
    rate.toExponential(0),
  );
  return `The loss is least at ${to}. Try --stage${number}.peakLearningRate ${peak}, or others from ${from} to ${to}.`;
}

/** Of the loss before, that the least one may have. Noise takes as much. */
const SMALLEST_FALL = 0.95;

const ROWS = 20;
const WIDTH = 40;

/** A row for every few steps: the rate, the loss, and a bar as long as the loss is high. */
function formatRangeTest({ points }: RangeTest): string {
  const highest = Math.max(...points.map(({ loss }) => loss));
  const every = Math.ceil(points.length / ROWS);
  const rows = points
    .filter((_, index) => index % every === 0)
    .map(({ rate, loss }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((WIDTH * loss) / highest)));
      return `${rate.toExponential(1).padStart(8)}  ${loss.toFixed(4).padStart(8)}  ${bar}`;
    });
  return ['    rate      loss', ...rows].join('\n');
}
