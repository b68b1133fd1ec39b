import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { createRandom, type Random, shuffle } from '../config/random.ts';
import { spreadEpoch } from '../config/stage-length.ts';
import type { StageConfig } from '../config/train-config.ts';
import { type BatchSource, balancedWeights, targetsOf } from '../data/batches.ts';
import { TrainerError } from '../errors.ts';
import { accuracyNote, type Progress } from '../files/progress.ts';
import { lossOf as lossOfPlan } from '../plan/loss.ts';
import { isMultiLabel, type Plan } from '../plan/plan.ts';
import { planGradients } from '../plan/run.ts';
import { learningRate } from './learning-rate.ts';
import type { Optimizer } from './optimizer.ts';

/** The plan, the data and the settings of a training step. */
export interface StepOptions {
  readonly plan: Plan;
  readonly source: BatchSource;
  readonly classes: number;
  readonly config: StageConfig;
  readonly optimizer: Pick<Optimizer, 'apply'>;
  /** Class weights in the loss, see {@link classWeightsOf}; 1 by default. */
  readonly classWeights?: readonly number[] | undefined;
  /** Side of the images in an epoch, in pixels; the source's own by default. */
  sizeIn?: ((epoch: number) => number) | undefined;
}

/** Completed epochs; completed steps of the next epoch, and the sum of their losses. */
export interface Position {
  readonly epoch: number;
  readonly step: number;
  readonly lossSum: number;
}

export interface Fit extends Omit<StepOptions, 'classWeights'> {
  /** Together with epoch and step, it seeds order, augmentation and dropout. */
  readonly seed: string;
  /** Where an interrupted training goes on; by default the first step. */
  readonly from?: Position;
  /** @param done number of examples of the epoch that are done */
  startProgress(epoch: number, done: number): Progress;
  /** Called after each step with the position reached; throw to stop. */
  onStep?(done: Position): Promise<void>;
  /** Asked after each step whether to leave out the rest of the epoch and all others; never by default. */
  isEnough?(): boolean;
  /**
   * Called after each epoch, with the mean loss of its steps.
   *
   * @returns whether to continue, which is the default
   */
  onEpoch?(epoch: number, loss: number): Promise<boolean>;
}

/**
 * Trains a plan's parameters in place, epoch by epoch.
 *
 * Order, augmentation and dropout of a step depend on the seed, the epoch and the step only, so that a
 * resumed run computes what an uninterrupted one would have.
 *
 * @throws TrainerError `loss_not_finite`
 */
export async function fit(options: Fit): Promise<void> {
  const { source, config, seed, from } = options;
  const { steps: stepsPerEpoch, firstOf } = spreadEpoch(source.length, config);
  const classWeights = classWeightsOf(options);
  for (let epoch = from?.epoch ?? 0; epoch < config.epochs; epoch++) {
    const resumed = epoch === from?.epoch ? from : undefined;
    const firstStep = resumed?.step ?? 0;
    let lossSum = resumed?.lossSum ?? 0;
    let steps = firstStep;
    /** Of this session: what it shows of the training accuracy is saved nowhere. */
    let [right, seen] = [0, 0];
    const order = shuffle(Array(source.length).keys(), randomOf(seed, epoch));
    const progress = options.startProgress(epoch, firstOf(firstStep));
    try {
      const indicesOf = (step: number) => order.slice(firstOf(step), firstOf(step + 1));
      source.prefetch?.(indicesOf(firstStep));
      for (let step = firstStep; step < stepsPerEpoch; step++) {
        const indices = indicesOf(step);
        source.prefetch?.(indicesOf(step + 1));
        const done = epoch * stepsPerEpoch + step;
        const rate = learningRate(config, done, stepsPerEpoch);
        const random = randomOf(seed, epoch, step);
        const trained = await trainStep(
          { ...options, classWeights },
          { epoch, indices, rate, random },
        );
        const { loss } = trained;
        if (!Number.isFinite(loss)) {
          throw new TrainerError(
            'loss_not_finite',
            `The loss became ${loss} in epoch ${epoch + 1}, step ${step + 1}: lower the peak learning rate, which is ${config.peakLearningRate}.`,
          );
        }
        lossSum += loss;
        steps = step + 1;
        right += trained.right;
        seen += indices.length;
        progress.advance(indices.length, [
          accuracyNote('accuracy', right / seen),
          `loss ${(lossSum / steps).toFixed(4)}`,
        ]);
        await options.onStep?.({ epoch, step: steps, lossSum });
        if (options.isEnough?.()) break;
      }
    } finally {
      progress.stop();
    }
    if ((await options.onEpoch?.(epoch, lossSum / steps)) === false) return;
  }
}

/** The class weights that a stage's recipe asks for; undefined for none. */
export function classWeightsOf({
  config,
  source,
  classes,
}: Pick<StepOptions, 'source' | 'classes'> & {
  readonly config: Pick<StageConfig, 'classWeights'>;
}): number[] | undefined {
  return config.classWeights === 'balanced' ? balancedWeights(source, classes) : undefined;
}

interface Step {
  readonly epoch: number;
  readonly indices: readonly number[];
  /** The learning rate. */
  readonly rate: number;
  readonly random: Random;
}

/**
 * One step of the optimizer.
 *
 * @returns the batch's loss before the update, and how many of its images were predicted as their label;
 *   of images with several labels, the sum of the shares
 *   of classes whose presence was predicted; if the loss is not finite, the parameters are not updated
 */
export async function trainStep(
  { plan, source, classes, config, optimizer, classWeights, sizeIn }: StepOptions,
  { epoch, indices, rate, random }: Step,
): Promise<{ loss: number; right: number }> {
  const hitsOf = isMultiLabel(plan) ? labelHits : topHits;
  const lossFrom = lossOfPlan(plan, classWeights);
  const inputs = await source.inputs(indices, random, sizeIn?.(epoch));
  const targets = targetsOf(source, indices, classes, config.labelSmoothing, classWeights);
  const hits: tf.Scalar[] = [];
  const lossOf = (logits: tf.Tensor2D) => {
    hits.push(tf.keep(hitsOf(logits, targets)));
    return lossFrom(logits, targets);
  };
  const { loss: mean, gradients } = planGradients(plan, inputs, lossOf, random);
  const [loss = Number.NaN, right = 0] = (
    await Promise.all([mean, ...hits].map((scalar) => scalar.data()))
  ).flatMap((values) => [...values]);
  if (Number.isFinite(loss)) optimizer.apply(gradients, rate);
  tf.dispose([inputs, targets, mean, hits, ...gradients.values()]);
  return { loss, right };
}

function topHits(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return logits.argMax(1).equal(targets.argMax(1)).sum();
}

function labelHits(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return tf.equal(logits.greater(0), targets.greater(0.5)).mean(1).sum();
}

function randomOf(seed: string, ...place: number[]): Random {
  const hash = createHash('sha256')
    .update(JSON.stringify([seed, ...place]))
    .digest();
  return createRandom(hash.readInt32LE());
}
