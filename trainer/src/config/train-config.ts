import { arithmetics } from 'shared/contract/model-card';
import * as z from 'zod';
import { backboneNames } from './backbone-names.ts';
import { quantizations } from './quantizations.ts';

// Each field's description is also what `train --help` says of it.

const probability = z.number().min(0).max(1);
const side = z.int().min(32).max(1024);

const stage = z.strictObject({
  epochs: z.int().min(0).describe('passes over the training images'),
  minSteps: z
    .int()
    .min(0)
    .describe('more epochs where a small data set has fewer steps than this in them'),
  batchSize: z.int().min(1).describe('images a step'),
  accumulation: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'parts that a batch is computed in, for less memory; the step is the same but for dropout',
    ),
  optimizer: z.enum(['adam', 'adamw', 'sgd']).default('adam').describe('what moves the weights'),
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe('of sgd: how much of the last step is in the next'),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('of adamw and sgd: fraction of a kernel, times the learning rate, lost in a step'),
  clipNorm: z
    .number()
    .min(0)
    .default(0)
    .describe('gradients are scaled down to this norm, all together; 0 leaves them'),
  ema: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("decay of the weights' moving average, which is what counts; 0 takes the weights"),
  schedule: z
    .enum(['cosine', 'one-cycle', 'step', 'inverse-time', 'constant'])
    .default('cosine')
    .describe('how the learning rate goes on from its peak'),
  peakLearningRate: z.number().positive().describe('the highest, behind the warm-up'),
  finalLearningRate: z
    .number()
    .min(0)
    .default(0)
    .describe('of cosine and one-cycle: what it falls to'),
  warmup: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'fraction of all steps in which the learning rate rises (0.3 is usual for one-cycle)',
    ),
  decay: z
    .number()
    .min(0)
    .default(0.1)
    .describe('of step: the factor each time; of inverse-time: rate = peak / (1 + decay × steps)'),
  decayEvery: z.int().min(1).default(30).describe('of step: epochs from one to the next'),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('share of the truth that goes to all classes alike'),
  classWeights: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe('balanced: rare classes count for more, so that all count alike'),
  patience: z
    .int()
    .min(0)
    .default(0)
    .describe('stop behind so many epochs without a better validation; 0 never stops'),
});

/** Adam with weight decay is AdamW, and must be called so. */
const decays = ({ optimizer, weightDecay }: z.infer<typeof stage>) =>
  optimizer !== 'adam' || weightDecay === 0;
const decayError = {
  path: ['weightDecay'],
  message: 'adam has no weight decay; choose the optimizer adamw',
};

export type StageConfig = z.infer<typeof stage>;

/** One experiment: everything that decides its result, but for the machine. */
export const trainConfig = z
  .strictObject({
    name: z.string(),
    backbone: z.enum(backboneNames).describe('the network that the head grows on'),
    weights: z
      .string()
      .default('imagenet')
      .describe('imagenet, none for random ones, or the path of a file'),
    trim: z
      .union([z.string(), z.int()])
      .nullable()
      .default(null)
      .describe('layer that the network is cut behind, by name or number, such as -3'),
    freeze: z
      .union([z.int(), z.string()])
      .default(0)
      .describe(
        'layers that stay as they are in stage 2: so many from the first, all but so many (-2), or by name (stem*,block[1-3]*; * is all)',
      ),
    head: z
      .enum(['linear', 'convolution'])
      .default('linear')
      .describe(
        "what grows on it: pooling and one dense layer, or the tutorial's 7×7 convolution and two",
      ),
    size: side.describe("side of the network's images, in pixels"),
    dropout: z.number().min(0).max(0.9).describe("fraction of the head's inputs that is dropped"),
    split: z
      .enum(['stratified', 'in-order'])
      .default('stratified')
      .describe(
        'which images choose and test: drawn by class, unless the data set says; or the first ones to test, then to choose, of those to train',
      ),
    validation: z
      .number()
      .gt(0)
      .lt(0.5)
      .describe('fraction of the training images that chooses the checkpoint instead'),
    test: z
      .number()
      .gt(0)
      .lt(0.5)
      .describe('fraction that gives the final number, where the data set has no test images'),
    limit: z
      .int()
      .min(100)
      .nullable()
      .default(null)
      .describe('train on so many images only, and choose and test on a fifth of that each'),
    augment: z
      .strictObject({
        flip: z.boolean().default(false).describe('mirror every other image'),
        flipVertical: z.boolean().default(false).describe('turn every other image upside down'),
        quarterTurns: z.boolean().default(false).describe('turn by none to three quarters'),
        crop: z
          .number()
          .min(0)
          .lt(0.5)
          .default(0)
          .describe('shift by up to this fraction of the shorter side, edges reflected'),
        resizedCrop: z
          .number()
          .gt(0)
          .max(1)
          .default(1)
          .describe('keep a square of at least this fraction of the area, anywhere; 1 keeps all'),
        trivial: z
          .boolean()
          .default(false)
          .describe('one more change out of fourteen, of shape or colour: TrivialAugment'),
        colour: z
          .number()
          .min(0)
          .lt(1)
          .default(0)
          .describe('change brightness, contrast and saturation by up to this fraction each'),
        erase: probability
          .default(0)
          .describe('probability that a rectangle is overwritten with noise'),
        mixup: z
          .strictObject({
            probability: probability.describe('of a batch whose images are blended in pairs'),
            alpha: z
              .number()
              .min(0.1)
              .max(4)
              .describe('of the beta distribution of the shares; 1 is uniform'),
          })
          .readonly()
          .default({ probability: 0, alpha: 0.2 }),
        cutmix: z
          .strictObject({
            probability: probability.describe('of a batch whose images get a rectangle of another'),
            alpha: z
              .number()
              .min(0.1)
              .max(4)
              .describe('of the beta distribution of the areas; 1 is uniform'),
          })
          .readonly()
          .default({ probability: 0, alpha: 1 }),
      })
      .refine(({ mixup, cutmix }) => mixup.probability + cutmix.probability <= 1, {
        path: ['mixup', 'probability'],
        message: 'mixup and cutmix must not be more probable than 1 together',
      })
      .readonly(),
    /** Only the head learns. */
    stage1: stage
      .extend({
        augment: z
          .boolean()
          .default(false)
          .describe('learn from augmented images, rather than from features computed once'),
      })
      .refine(decays, decayError)
      .readonly(),
    /** Every kernel and bias learns; BatchNorm stays frozen. */
    stage2: stage
      .extend({
        sizes: z
          .array(side)
          .default([])
          .describe(
            'sides of the images in training, in pixels, spread evenly over the epochs (96,128,160); small ones are faster',
          ),
        interpolate: z
          .boolean()
          .default(false)
          .describe(
            'in the end move the kernels towards the pretrained ones, as far as the validation loss does not rise: better on photos unlike the training images',
          ),
      })
      .refine(decays, decayError)
      .readonly(),
    quantize: z
      .enum(quantizations)
      .default('uint8')
      .describe(
        'how kernels are stored; mixed measures which ones 8 bits would hurt, and takes float16 for these',
      ),
    arithmetic: z
      .enum(arithmetics)
      .default('int8')
      .describe('what kernels of 8 bits are computed in when the model answers; int8 is faster'),
    seed: z.int().min(0).describe('of split, head, order, augmentation and dropout'),
  })
  .readonly();

export type TrainConfig = z.infer<typeof trainConfig>;

/**
 * The stage as it runs on so many examples: with the epochs that `minSteps` asks for, and what else is
 * counted in epochs as many times as long.
 */
export function stretchStage<T extends StageConfig>(config: T, examples: number): T {
  const stepsPerEpoch = Math.ceil(examples / config.batchSize);
  if (config.epochs === 0) return config;
  const epochs = Math.max(config.epochs, Math.ceil(config.minSteps / stepsPerEpoch));
  const stretch = (count: number) => Math.round((count * epochs) / config.epochs);
  return {
    ...config,
    epochs,
    patience: stretch(config.patience),
    decayEvery: stretch(config.decayEvery),
  };
}

/**
 * Side of the training images in an epoch of stage 2, in pixels.
 *
 * Small images first are faster and do not cost accuracy (Howard 2018; Tan & Le 2021, §4).
 */
export function sizeInEpoch(
  { size, stage2: { sizes } }: TrainConfig,
  epoch: number,
  epochs: number,
): number {
  return sizes[Math.floor((epoch * sizes.length) / epochs)] ?? size;
}
