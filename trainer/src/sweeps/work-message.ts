import * as z from 'zod';
import { trainConfig } from '../config/train-config.ts';
import { sweepSettings } from './sweep-file.ts';

/** What a worker is told of a recipe and its images. */
const common = {
  ...sweepSettings,
  /** Name of the sweep's folder. */
  sweep: z.string().regex(/^[\w-]+$/),
  config: trainConfig,
};

/** A training, or a part of one. */
export const trialMessage = z.strictObject({
  kind: z.literal('trial'),
  ...common,
  /** Name of the trial's folder in that of the sweep. */
  trial: z.string().regex(/^\d+$/),
  /** Index of the rung. */
  rung: z.int().nonnegative(),
  /** Share of stage 2 to train. */
  until: z.number().gt(0).max(1),
});

export type TrialMessage = z.infer<typeof trialMessage>;

/** A share of the features of frozen layers that trials begin with. */
const featuresMessage = z.strictObject({
  kind: z.literal('features'),
  ...common,
  /** Of the recipe's features, by which they are the same work. */
  origin: z.string(),
  /** Every shard whose number leaves this rest … */
  share: z.int().nonnegative(),
  /** … when it is divided by this. */
  of: z.int().positive(),
});

export type FeaturesMessage = z.infer<typeof featuresMessage>;

/** What a worker is told, all that it needs beside the images. */
export const workMessage = z.discriminatedUnion('kind', [trialMessage, featuresMessage]);

export type WorkMessage = z.infer<typeof workMessage>;
