import * as z from 'zod';
import { backbones } from '../backbones/registry.ts';

const probability = z.number().min(0).max(1);

const stage = z.strictObject({
  epochs: z.int().min(0),
  /** More epochs where a small data set has fewer steps than this in `epochs`. */
  minSteps: z.int().min(0),
  batchSize: z.int().min(1),
  /** Reached after the warm-up; then a cosine falls from it to `finalLearningRate`. */
  peakLearningRate: z.number().positive(),
  finalLearningRate: z.number().nonnegative(),
  /** Fraction of all steps in which the rate rises from 0 (Goyal et al. 2017, §2.2). */
  warmup: z.number().min(0).max(1),
  optimizer: z.enum(['adam', 'adamw', 'sgd']).default('adam'),
  /** Of SGD: how much of the last step is in the next. */
  momentum: z.number().min(0).lt(1).default(0.9),
  /** Of AdamW and SGD: the fraction of a kernel, times the learning rate, that a step takes away. */
  weightDecay: z.number().min(0).default(0),
  /** Gradients whose norm, all together, is larger are scaled down to it; 0 for none. */
  clipNorm: z.number().min(0).default(0),
  /** Decay of the weights' moving average, which is what is validated and exported; 0 for none. */
  ema: z.number().min(0).lt(1).default(0),
  /** Share of the truth that goes to all classes alike (Szegedy et al. 2016, §7). */
  labelSmoothing: z.number().min(0).lt(1).default(0),
});

/** Adam with weight decay is AdamW, and must be called so. */
const decays = ({ optimizer, weightDecay }: z.infer<typeof stage>) =>
  optimizer !== 'adam' || weightDecay === 0;
const decayError = {
  path: ['weightDecay'],
  message: 'adam has no weight decay: choose the optimizer adamw',
};

export type StageConfig = z.infer<typeof stage>;

/** The stage as it runs on so many examples: with the epochs that `minSteps` asks for. */
export function stretchStage<T extends StageConfig>(config: T, examples: number): T {
  const stepsPerEpoch = Math.ceil(examples / config.batchSize);
  if (config.epochs === 0) return config;
  return { ...config, epochs: Math.max(config.epochs, Math.ceil(config.minSteps / stepsPerEpoch)) };
}

/** One experiment: everything that decides its result, but for the machine. */
export const trainConfig = z
  .strictObject({
    name: z.string(),
    backbone: z.enum(Object.keys(backbones) as [keyof typeof backbones]),
    /** `imagenet`, `none` for random ones, or the path of a file. */
    weights: z.string().default('imagenet'),
    /** The layer that the trunk ends at, by name or number as Keras counts; null: at its last. */
    trim: z.union([z.string(), z.int()]).nullable().default(null),
    /** How many layers of the trunk, from the first, stay as they are; −2: all but the last two. */
    freeze: z.int().default(0),
    /** Side of the network's square input, in pixels. */
    size: z.int().min(32).max(1024),
    /** Fraction of the head's inputs dropped in training. */
    dropout: z.number().min(0).max(0.9),
    /** Fraction of the training pictures that choose the checkpoint instead. */
    validation: z.number().gt(0).lt(0.5),
    /** Fraction that gives the final number, where the data set has no test pictures. */
    test: z.number().gt(0).lt(0.5),
    /** Train on this many pictures only, and choose and test on a fifth of that each; null for all. */
    limit: z.int().min(100).nullable(),
    augment: z
      .strictObject({
        /** Mirror every other picture. */
        flip: z.boolean(),
        /** Shift by up to this fraction of the shorter side, edges reflected. */
        crop: z.number().min(0).lt(0.5),
        /** Brightness, contrast and saturation, each changed by up to this fraction. */
        colour: z.number().min(0).lt(1).default(0),
        /** Probability that a rectangle is overwritten with noise. */
        erase: probability.default(0),
        /** Blends two pictures; `alpha` of the beta distribution that draws the shares. */
        mixup: z
          .strictObject({ probability, alpha: z.number().min(0.1).max(4) })
          .readonly()
          .default({ probability: 0, alpha: 0.2 }),
        /** Puts a rectangle of one picture into another. */
        cutmix: z
          .strictObject({ probability, alpha: z.number().min(0.1).max(4) })
          .readonly()
          .default({ probability: 0, alpha: 1 }),
      })
      .refine(({ mixup, cutmix }) => mixup.probability + cutmix.probability <= 1, {
        path: ['mixup', 'probability'],
        message: 'that of mixup and that of cutmix must not be more than 1 together',
      })
      .readonly(),
    /** Only the head learns, on features computed once. */
    stage1: stage.refine(decays, decayError).readonly(),
    /** Every kernel and bias learns; BatchNorm stays frozen. */
    stage2: stage
      .extend({
        /**
         * Sides of the pictures in training, spread evenly over the epochs, such as 96, 128, 160:
         * smaller ones are faster (Howard 2018; Tan & Le 2021, §4). Empty: that of the network.
         */
        sizes: z.array(z.int().min(32).max(1024)).default([]),
      })
      .refine(decays, decayError)
      .readonly(),
    /** Of split, head, order, augmentation and dropout. */
    seed: z.int().min(0),
  })
  .readonly();

export type TrainConfig = z.infer<typeof trainConfig>;

/** Side of the training pictures in an epoch of stage 2, in pixels. */
export function sizeInEpoch(
  { size, stage2: { sizes } }: TrainConfig,
  epoch: number,
  epochs: number,
): number {
  return sizes[Math.floor((epoch * sizes.length) / epochs)] ?? size;
}
