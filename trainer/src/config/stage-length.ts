import type { StageConfig, TrainConfig } from './train-config.ts';

/**
 * The stage for a training set of a given size: epochs are raised to reach `minSteps` and lowered to stay
 * within `maxSteps`, and everything else that is counted in epochs is scaled by the same factor.
 */
export function stretchStage<T extends StageConfig>(config: T, examples: number): T {
  const stepsPerEpoch = Math.ceil(examples / config.batchSize);
  const least = Math.ceil(config.minSteps / stepsPerEpoch);
  const most = config.maxSteps === 0 ? Infinity : Math.floor(config.maxSteps / stepsPerEpoch);
  return withEpochs(config, Math.max(1, least, Math.min(config.epochs, most)));
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
