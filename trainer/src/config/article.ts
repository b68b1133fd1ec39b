import { type TrainConfig, trainConfig } from './train-config.ts';

/**
 * The Keras tutorial that this project follows: EfficientNet-B0 at 224 px, 10 epochs of training a head on
 * the frozen network, then 50 epochs of fine-tuning everything except for BatchNorm. It took 5½ hours on a
 * GPU and reached 92.6 %. To run it with fewer epochs, on the network whose weights are in the repository:
 *
 *     pnpm --filter trainer train --config article --backbone efficientnet-lite0 --stage1.epochs 1 --stage2.epochs 1
 *
 * The tutorial saves and reloads the model between its stages; here each stage ends in a checkpoint, from
 * which a resumed run continues exactly. The head differs from the tutorial's: Flatten is redundant after
 * pooling, the convolution has 32 filters, and its BatchNorm is set once, from 64 training images, and then
 * frozen like all others, since the trainer has no BatchNorm in training mode.
 */
export const article: TrainConfig = trainConfig.parse({
  name: 'article',
  backbone: 'efficientnetb0',
  head: 'convolution',
  size: 224,
  dropout: 0.5,
  split: 'in-order',
  test: 0.1,
  validation: 0.15,
  augment: { flip: true, flipVertical: true, quarterTurns: true },
  stage1: {
    epochs: 10,
    minSteps: 0,
    batchSize: 32,
    peakLearningRate: 2e-5,
    schedule: 'constant',
    augment: true,
  },
  stage2: {
    epochs: 50,
    minSteps: 0,
    batchSize: 32,
    peakLearningRate: 1e-6,
    schedule: 'inverse-time',
    decay: 1e-6 / 50,
  },
  seed: 1,
});
