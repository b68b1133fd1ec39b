import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import type { StageConfig } from '../config/train-config.ts';
import { createRandom, type Random, shuffle } from '../datasets/random.ts';
import { TrainerError } from '../errors.ts';
import { softmaxCrossEntropy } from '../plan/loss.ts';
import { type Plan, parametersOf } from '../plan/plan.ts';
import { planGradients } from '../plan/run.ts';
import type { Progress } from '../report/progress.ts';
import type { Adam } from './adam.ts';
import { batches, type Examples, truthOf } from './examples.ts';
import { learningRate } from './learning-rate.ts';

export interface Fit {
  readonly plan: Plan;
  readonly examples: Examples;
  readonly classes: number;
  readonly config: StageConfig;
  readonly optimizer: Adam;
  /** Of the order, the augmentation and dropout, together with epoch and step. */
  readonly seed: string;
  /** Epochs, and steps of the next one, that are done already. */
  readonly epoch: number;
  readonly step: number;
  /** @param done examples of the epoch that are done */
  startProgress(epoch: number, done: number): Progress;
  /** Called behind each step, with the steps of the epoch that are done; may stop by throwing. */
  onStep(epoch: number, step: number): Promise<void>;
  /** Called behind each epoch, with the mean loss of its steps. */
  onEpoch(epoch: number, loss: number): Promise<void>;
}

/**
 * Trains a plan's parameters in place, epoch by epoch.
 *
 * Order, augmentation and dropout of a step follow from the seed, the epoch and the step alone,
 * so that a resumed run sees what an undisturbed one would have seen.
 *
 * @throws TrainerError `loss_not_finite`
 */
export async function fit(options: Fit): Promise<void> {
  const { plan, examples, classes, config, optimizer, seed } = options;
  const parameters = parametersOf(plan);
  const stepsPerEpoch = Math.ceil(examples.length / config.batchSize);
  const steps = stepsPerEpoch * config.epochs;
  for (let epoch = options.epoch; epoch < config.epochs; epoch++) {
    const firstStep = epoch === options.epoch ? options.step : 0;
    const order = shuffle(Array(examples.length).keys(), randomOf(seed, epoch));
    const progress = options.startProgress(epoch, firstStep * config.batchSize);
    let lossSum = 0;
    for (const places of [...batches(examples.length, config.batchSize)].slice(firstStep)) {
      const step = Math.floor((places[0] as number) / config.batchSize);
      const indices = places.map((place) => order[place] as number);
      const random = randomOf(seed, epoch, step);
      const inputs = await examples.inputs(indices, random);
      const truth = truthOf(examples, indices, classes);
      const lossOf = (logits: tf.Tensor2D) => softmaxCrossEntropy(logits, truth);
      const { loss, gradients } = planGradients(plan, inputs, lossOf, random);
      const [lossValue] = await loss.data<'float32'>();
      if (!Number.isFinite(lossValue)) {
        throw new TrainerError(
          'loss_not_finite',
          `The loss became ${lossValue} in epoch ${epoch + 1}, step ${step + 1}: lower the peak learning rate, which is ${config.peakLearningRate}.`,
        );
      }
      const rate = learningRate(config, epoch * stepsPerEpoch + step, steps);
      optimizer.apply(parameters, gradients, rate);
      tf.dispose([inputs, truth, loss, ...gradients.values()]);
      lossSum += lossValue as number;
      const meanLoss = lossSum / (step + 1 - firstStep);
      progress.advance(indices.length, `loss ${meanLoss.toFixed(4)}`);
      await options.onStep(epoch, step + 1);
    }
    progress.stop();
    await options.onEpoch(epoch, lossSum / Math.max(stepsPerEpoch - firstStep, 1));
  }
}

function randomOf(seed: string, ...place: number[]): Random {
  const hash = createHash('sha256')
    .update(JSON.stringify([seed, ...place]))
    .digest();
  return createRandom(hash.readInt32LE());
}
