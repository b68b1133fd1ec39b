import { fast } from './fast.ts';
import { type TrainConfig, trainConfig } from './train-config.ts';

/**
 * The most accurate that two cores reach overnight.
 *
 *     pnpm --filter trainer train --config best
 */
export const best: TrainConfig = trainConfig.parse({
  ...fast,
  name: 'best',
  size: 160,
  augment: {
    flip: true,
    crop: 0.125,
    colour: 0.2,
    erase: 0.25,
    cutmix: { probability: 0.5, alpha: 1 },
  },
  stage2: {
    epochs: 11,
    minSteps: 300,
    batchSize: 32,
    sizes: [96, 96, 96, 128, 128, 128, 128, 128, 160, 160, 160],
    optimizer: 'adamw',
    weightDecay: 0.05,
    peakLearningRate: 3e-4,
    finalLearningRate: 1e-6,
    warmup: 0.05,
    labelSmoothing: 0.1,
    ema: 0.999,
    clipNorm: 0,
  },
});
