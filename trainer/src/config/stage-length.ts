import type { StageConfig, TrainConfig } from './train-config.ts';

/** How many times the recipe's learning rate a short stage has at most; with 4 times, training diverged on 36 x-rays. */
const MOST_FASTER = 2;

/**
 * The stage for a training set of a given size: epochs are raised to reach `minSteps` and lowered to stay
 * within `maxSteps`, and everything else that is counted in epochs is scaled by the same factor. An adaptive
 * optimizer moves a weight by about the learning rate in a step, so a stage of fewer steps than `fullSteps` gets a
 * higher rate, by which the weights may move as far.
 */
export function stretchStage<T extends StageConfig>(config: T, examples: number): T {
  const stepsPerEpoch = spreadEpoch(examples, config).steps;
  const least = Math.ceil(config.minSteps / stepsPerEpoch);
  const most = config.maxSteps === 0 ? Infinity : Math.floor(config.maxSteps / stepsPerEpoch);
  const stage = withEpochs(config, Math.max(1, least, Math.min(config.epochs, most)));
  const missing = config.fullSteps / (stage.epochs * stepsPerEpoch || 1);
  const faster = Math.min(MOST_FASTER, Math.max(1, missing));
  return { ...stage, peakLearningRate: config.peakLearningRate * faster };
}

/**
 * How an epoch is spread over its steps: evenly, in batches of at most `batchSize`, the larger ones first. Of 36
 * examples, batches of 32 would leave 4, and every second step would follow hardly more than noise.
 *
 * @returns the number of steps, and the number of examples before a step, counted from 0; before step 1 it is the
 *   largest batch
 */
export function spreadEpoch(
  examples: number,
  { batchSize }: Pick<StageConfig, 'batchSize'>,
): { steps: number; firstOf(step: number): number } {
  const steps = Math.ceil(examples / batchSize);
  const least = Math.floor(examples / steps);
  const larger = examples % steps;
  return { steps, firstOf: (step) => step * least + Math.min(step, larger) };
}

/** The stage with another number of epochs; all that is counted in epochs is scaled alike. */
export function withEpochs<T extends StageConfig>(config: T, epochs: number): T {
  const scale = (count: number) => Math.round((count * epochs) / (config.epochs || 1));
  return {
    ...config,
    epochs: config.epochs && epochs,
    patience: scale(config.patience),
  };
}

/**
 * Side of the training images in an epoch of stage 2, in pixels.
 *
 * Starting with small images is faster and does not cost accuracy (Howard 2018; Tan & Le 2021, §4).
 */
export function sizeInEpoch(
  { size, stage2: { sizes } }: TrainConfig,
  epoch: number,
  epochs: number,
): number {
  return sizes[Math.floor((epoch * sizes.length) / epochs)] ?? size;
}
