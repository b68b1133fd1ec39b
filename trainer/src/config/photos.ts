import { fast } from './fast.ts';
import { type TrainConfig, trainConfig } from './train-config.ts';

/**
 * The default for folders of photos.
 *
 *     pnpm --filter trainer train --data <folder>
 */
export const photos: TrainConfig = trainConfig.parse({
  ...fast,
  name: 'photos',
  freeze: 0,
  validateFrom: 20,
  // Where none validate, nothing would show that crops leave out what an image is about: of 72 tiles, crops
  // without the defect teach that a bare tile has one.
  augment: { flip: true, resizedCrop: 0.35, resizedCropOfFew: 0.6, colour: 0.2 },
  stage1: { ...fast.stage1, solve: true },
  stage2: {
    ...fast.stage2,
    epochs: 12,
    minSteps: 200,
    maxSteps: 2000,
    optimizer: 'adamw',
    weightDecay: 0.05,
    // A few hundred steps are over before Keras' 0.999 has forgotten the first gradients.
    beta2: 0.99,
    schedule: 'one-cycle',
    peakLearningRate: 5e-4,
    fullSteps: 400,
    finalLearningRate: 0,
    warmup: 0.3,
    labelSmoothing: 0.1,
    retry: true,
  },
});
