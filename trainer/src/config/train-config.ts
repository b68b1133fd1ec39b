import * as z from 'zod';
import { backbones } from '../backbones/registry.ts';

const stage = z
  .strictObject({
    epochs: z.int().min(0),
    /** More epochs where a small data set has fewer steps than this in `epochs`. */
    minSteps: z.int().min(0),
    batchSize: z.int().min(1),
    /** Reached after the warm-up; then a cosine falls from it to `finalLearningRate`. */
    peakLearningRate: z.number().positive(),
    finalLearningRate: z.number().nonnegative(),
    /** Fraction of all steps in which the rate rises from 0 (Goyal et al. 2017, §2.2). */
    warmup: z.number().min(0).max(1),
  })
  .readonly();

export type StageConfig = z.infer<typeof stage>;

/** The stage as it runs on so many examples: with the epochs that `minSteps` asks for. */
export function stretchStage(config: StageConfig, examples: number): StageConfig {
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
      })
      .readonly(),
    /** Only the head learns, on features computed once. */
    stage1: stage,
    /** Every kernel and bias learns; BatchNorm stays frozen. */
    stage2: stage,
    /** Of split, head, order, augmentation and dropout. */
    seed: z.int().min(0),
  })
  .readonly();

export type TrainConfig = z.infer<typeof trainConfig>;
