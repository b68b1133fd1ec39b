import * as tf from '@tensorflow/tfjs';
import { createRandom, shuffle } from '../config/random.ts';
import { trainableParametersOf } from '../plan/plan.ts';
import { classWeightsOf, type StepOptions, trainStep } from './fit.ts';
import { Optimizer } from './optimizer.ts';

/** Of the loss, from step to step: noise would hide the turn. */
const SMOOTHING = 0.95;
/** Before so many steps the average is one of a few batches, low or high by chance. */
const SETTLED = 1 / (1 - SMOOTHING);
/** A loss so many times its least has left the range. */
const DIVERGED = 4;

export interface RangeTest {
  /** By rising learning rate, up to where the loss has gone out of bounds. */
  readonly points: readonly { readonly rate: number; readonly loss: number }[];
  /** The rate with the least loss. */
  readonly least: number;
}

export interface RangeTestOptions {
  readonly lowest: number;
  readonly highest: number;
  readonly steps: number;
  readonly seed: number;
  /** Called behind each step. */
  onStep?(step: number): void;
}

/**
 * The learning rate range test: trains for a few steps while the learning rate rises exponentially,
 * and watches the loss. It falls, is least where steps are as large as they may be for a moment, and
 * explodes. A peak lies below that rate (Smith 2017, §3.3), and above a tenth of it (fastai, whose
 * exponential sweep and smoothing these are).
 *
 * The parameters are as they were when it ends.
 */
export async function findLearningRate(
  stage: Omit<StepOptions, 'optimizer' | 'classWeights'>,
  { lowest, highest, steps, seed, onStep }: RangeTestOptions,
): Promise<RangeTest> {
  const parameters = trainableParametersOf(stage.plan);
  const before = parameters.map(({ value }) => value.clone());
  const optimizer = new Optimizer(parameters, stage.config);
  const points: { rate: number; loss: number }[] = [];
  const classWeights = classWeightsOf(stage);
  const random = createRandom(seed);
  const { batchSize } = stage.config;
  let order: number[] = [];
  let average = 0;
  try {
    for (let step = 0; step < steps; step++) {
      // Whole batches, again and again where the images are few.
      while (order.length < batchSize) {
        order = [...order, ...shuffle(Array(stage.source.length).keys(), random)];
      }
      const indices = order.slice(0, batchSize);
      order = order.slice(batchSize);
      const rate = lowest * (highest / lowest) ** (step / (steps - 1));
      const loss = await trainStep(
        { ...stage, optimizer, classWeights },
        { epoch: 0, indices, rate, random },
      );
      average = SMOOTHING * average + (1 - SMOOTHING) * loss;
      // Without this it would begin near 0 (Kingma & Ba 2015, §3).
      const smooth = average / (1 - SMOOTHING ** (step + 1));
      onStep?.(step + 1);
      if (!(smooth < DIVERGED * leastOf(points).loss)) break;
      points.push({ rate, loss: smooth });
    }
  } finally {
    optimizer.dispose();
    for (const [i, { value }] of parameters.entries()) value.assign(before[i] as tf.Tensor);
    tf.dispose(before);
  }
  return { points, least: leastOf(points).rate };
}

function leastOf(points: RangeTest['points']): { rate: number; loss: number } {
  return points
    .slice(Math.min(SETTLED, points.length >> 1))
    .reduce((least, point) => (point.loss < least.loss ? point : least), {
      rate: Number.NaN,
      loss: Number.MAX_VALUE,
    });
}
