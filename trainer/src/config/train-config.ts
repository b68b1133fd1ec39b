import { arithmetics } from 'shared/contract/model-card';
import * as z from 'zod';
import { backboneNames } from './backbone-names.ts';
import { quantizations } from './quantizations.ts';

/**
 * How stage 2 trains where it has failed: the share of the learning rate, and the least area of a random crop.
 * Where 5e-4 is too high, as for tile defects at 128 px, 1e-4 was right, and 2e-4 still too high.
 */
export const GENTLER = { rate: 0.2, crop: 0.8 } as const;

// `train --help` shows the description of each field.

const probability = z.number().min(0).max(1);
const side = z.int().min(32).max(1024);

const stage = z.strictObject({
  epochs: z.int().min(0).describe('number of passes over the training images'),
  minSteps: z
    .int()
    .min(0)
    .describe('minimum number of steps; a small data set gets more epochs to reach it'),
  maxSteps: z
    .int()
    .min(0)
    .default(0)
    .describe('maximum number of steps; a large data set gets fewer epochs, at least one; 0: none'),
  batchSize: z
    .int()
    .min(1)
    .describe('batch size: most images per step, over which an epoch is spread evenly'),
  optimizer: z
    .enum(['adam', 'adamw'])
    .default('adam')
    .describe('optimizer that updates the weights'),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('decoupled weight decay of adamw, for kernels only'),
  beta2: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.999)
    .describe('β₂ of Adam: decay of the average of squared gradients; less forgets sooner'),
  ema: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('EMA decay; the EMA weights are validated and exported; 0 disables EMA'),
  schedule: z
    .enum(['cosine', 'one-cycle', 'inverse-time', 'constant'])
    .default('cosine')
    .describe('learning-rate schedule after the warm-up'),
  peakLearningRate: z.number().positive().describe('peak learning rate, after warm-up'),
  fullSteps: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'steps that the peak learning rate is for; a stage of fewer has a higher one, in inverse proportion and at most twice as high; 0: the same for any number',
    ),
  finalLearningRate: z
    .number()
    .min(0)
    .default(0)
    .describe('final learning rate of cosine and one-cycle'),
  warmup: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('warm-up, as a fraction of all steps (0.3 is usual for one-cycle)'),
  decay: z.number().min(0).default(0.1).describe('inverse-time: rate = peak / (1 + decay × steps)'),
  labelSmoothing: z.number().min(0).lt(1).default(0).describe('label smoothing ε'),
  classWeights: z
    .enum(['none', 'balanced'])
    .default('none')
    .describe(
      'class weights in the loss; balanced weights a class by the inverse of its frequency',
    ),
  patience: z.int().min(0).default(0).describe('early-stopping patience, in epochs; 0 disables it'),
});

/** Adam with decoupled weight decay is AdamW, and must be called that. */
const decays = ({ optimizer, weightDecay }: z.infer<typeof stage>) =>
  optimizer !== 'adam' || weightDecay === 0;
const decayError = {
  path: ['weightDecay'],
  message: 'adam has no weight decay; choose the optimizer adamw',
};

export type StageConfig = z.infer<typeof stage>;

/** A recipe: everything that determines the result of a training, except for the machine. */
export const trainConfig = z
  .strictObject({
    name: z.string(),
    backbone: z.enum(backboneNames).describe('pretrained network that the head is attached to'),
    weights: z
      .string()
      .default('imagenet')
      .describe('initial weights: imagenet, none for random initialization, or the path of a file'),
    trim: z
      .union([z.string(), z.int()])
      .nullable()
      .default(null)
      .describe('last layer of the backbone to keep, by name or number, such as -3'),
    freeze: z
      .union([z.int(), z.string()])
      .default(0)
      .describe(
        'layers that stay frozen in stage 2: a number counted from the first, all but the last n (-2), or names (stem*,block[1-3]*; * for all)',
      ),
    head: z
      .enum(['linear', 'convolution'])
      .default('linear')
      .describe(
        "classification head: pooling and one dense layer, or the Keras tutorial's 7×7 convolution, pooling and two dense layers",
      ),
    size: side.describe('side of the input images, in pixels'),
    dropout: z.number().min(0).max(0.9).describe('dropout rate of the head'),
    split: z
      .enum(['stratified', 'in-order'])
      .default('stratified')
      .describe(
        'stratified draws test and validation images at random within each class, where the data set has none; in-order takes the first training images for test and the next for validation',
      ),
    validation: z
      .number()
      .gt(0)
      .lt(0.5)
      .describe('validation split, as a fraction of the training images'),
    validateFrom: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'images that every class needs so that some validate; with fewer, all are trained on, and the last weights are kept',
      ),
    test: z
      .number()
      .gt(0)
      .lt(0.5)
      .describe('test split, as a fraction, where the data set has no test images'),
    keepKnown: z
      .number()
      .gt(0.5)
      .lt(1)
      .default(0.95)
      .describe('share of known images that the threshold for unknown ones keeps'),
    limit: z
      .int()
      .min(100)
      .nullable()
      .default(null)
      .describe(
        'limit on the number of training images; validation and test use at most a fifth of it each',
      ),
    augment: z
      .strictObject({
        flip: z.boolean().default(false).describe('random horizontal flip, p = 0.5'),
        flipVertical: z.boolean().default(false).describe('random vertical flip, p = 0.5'),
        quarterTurns: z
          .boolean()
          .default(false)
          .describe('random rotation by 0, 90, 180 or 270 degrees'),
        crop: z
          .number()
          .min(0)
          .lt(0.5)
          .default(0)
          .describe(
            'random shift by up to this fraction of the shorter side, with reflection padding',
          ),
        resizedCrop: z
          .number()
          .gt(0)
          .max(1)
          .default(1)
          .describe('random resized crop of at least this fraction of the area; 1 disables it'),
        resizedCropOfFew: z
          .number()
          .min(0)
          .max(1)
          .default(0)
          .describe(
            'the same where a class has too few images for some to validate, if it is larger than resizedCrop',
          ),
        colour: z
          .number()
          .min(0)
          .lt(1)
          .default(0)
          .describe(
            'colour jitter: random brightness, contrast and saturation, by up to this fraction each',
          ),
        erase: probability
          .default(0)
          .describe('random erasing: probability of overwriting a rectangle with noise'),
      })
      .readonly(),
    /** Trains the head only. */
    stage1: stage
      .extend({
        solve: z
          .boolean()
          .default(false)
          .describe(
            'solve the linear head by logistic regression on standardized features, in seconds, instead of training it in epochs',
          ),
        augment: z
          .boolean()
          .default(false)
          .describe('train the head on augmented images, instead of on features computed once'),
      })
      .refine(decays, decayError)
      .readonly(),
    /** Fine-tunes every kernel and bias that `freeze` does not name; BatchNorm stays frozen. */
    stage2: stage
      .extend({
        sizes: z
          .array(side)
          .default([])
          .describe(
            'progressive resizing: sides of the training images, in pixels, spread evenly over the epochs (96,128,160); small images train faster',
          ),
        retry: z
          .boolean()
          .default(false)
          .describe(
            `where no epoch becomes better than stage 1 on the validation images, train stage 2 once more: at ${GENTLER.rate} of the learning rate, and with crops of at least ${GENTLER.crop} of the area`,
          ),
        interpolate: z
          .boolean()
          .default(false)
          .describe(
            'WiSE-FT: after fine-tuning, interpolate the kernels towards the pretrained ones as far as the validation loss does not rise; helps with photos unlike the training images',
          ),
      })
      .refine(decays, decayError)
      .readonly(),
    quantize: z
      .enum(quantizations)
      .default('uint8')
      .describe(
        'storage format of the kernels; mixed measures which kernels lose most in uint8, and stores those in float16',
      ),
    arithmetic: z
      .enum(arithmetics)
      .default('int8')
      .describe('arithmetic for 8-bit kernels at inference; int8 is faster'),
    seed: z.int().min(0).describe('random seed of split, head, order, augmentation and dropout'),
  })
  .readonly();

export type TrainConfig = z.infer<typeof trainConfig>;

/**
 * What a model card's recipe says of data and network. How it was trained is left aside: its fields may be those
 * of another version.
 */
export const cardConfig = trainConfig
  .unwrap()
  .omit({ augment: true, stage1: true, stage2: true })
  .strip();
