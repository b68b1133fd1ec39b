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
  const stepsPerEpoch = Math.ceil(examples / config.batchSize);
  const least = Math.ceil(config.minSteps / stepsPerEpoch);
  const most = config.maxSteps === 0 ? Infinity : Math.floor(config.maxSteps / stepsPerEpoch);
  const stage = withEpochs(config, Math.max(1, least, Math.min(config.epochs, most)));
  const missing = config.fullSteps / (stage.epochs * stepsPerEpoch || 1);
  const faster = Math.min(MOST_FASTER, Math.max(1, missing));
  return { ...stage, peakLearningRate: config.peakLearningRate * faster };
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
