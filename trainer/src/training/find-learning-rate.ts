import * as tf from '@tensorflow/tfjs';
import { createRandom, shuffle } from '../config/random.ts';
import { spreadEpoch } from '../config/stage-length.ts';
import { trainableParametersOf } from '../plan/plan.ts';
import { classWeightsOf, type StepOptions, trainStep } from './fit.ts';
import { Optimizer } from './optimizer.ts';

/** Decay of the loss's moving average: noise would otherwise hide the minimum. */
const SMOOTHING = 0.95;
/** Number of steps before which the average covers too few batches to mean much. */
const SETTLED = 1 / (1 - SMOOTHING);
/** The test ends when the loss exceeds this multiple of its minimum. */
const DIVERGED = 4;

export interface RangeTest {
  /** By rising learning rate, until the loss diverged. */
  readonly points: readonly { readonly rate: number; readonly loss: number }[];
  /** The learning rate with the lowest loss. */
  readonly least: number;
}

export interface RangeTestOptions {
  readonly lowest: number;
  readonly highest: number;
  readonly steps: number;
  readonly seed: number;
  /** Called after each step. */
  onStep?(step: number): void;
}

/**
 * The learning-rate range test: trains for a few steps while the learning rate rises exponentially, and
 * records the loss, which falls, reaches a minimum and then diverges. A good peak learning rate lies
 * below the minimum (Smith 2017, §3.3) and above a tenth of it (fastai, whose exponential sweep and
 * smoothing these are).
 *
 * The parameters have their initial values again when it ends.
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
  const { steps: stepsPerEpoch, firstOf } = spreadEpoch(stage.source.length, stage.config);
  let order: number[] = [];
  let average = 0;
  try {
    for (let step = 0; step < steps; step++) {
      const inEpoch = step % stepsPerEpoch;
      if (inEpoch === 0) order = shuffle(Array(stage.source.length).keys(), random);
      const indices = order.slice(firstOf(inEpoch), firstOf(inEpoch + 1));
      const rate = lowest * (highest / lowest) ** (step / (steps - 1));
      const { loss } = await trainStep(
        { ...stage, optimizer, classWeights },
        { epoch: 0, indices, rate, random },
      );
      average = SMOOTHING * average + (1 - SMOOTHING) * loss;
      // Bias correction: the average starts at 0 (Kingma & Ba 2015, §3).
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
