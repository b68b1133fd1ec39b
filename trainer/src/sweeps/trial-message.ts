import * as z from 'zod';
import { backendNames } from '../backends/start-backend.ts';
import { trainConfig } from '../config/train-config.ts';
import { folderMeanings } from '../datasets/folders/find-splits.ts';

/** What a worker is told of a trial: all that it needs beside the images. */
export const trialMessage = z.strictObject({
  key: z.uuid(),
  /** Name of the sweep's folder. */
  sweep: z.string().regex(/^[\w-]+$/),
  /** Name of the trial's folder in it. */
  trial: z.string().regex(/^\d+$/),
  /** Index of the rung. */
  rung: z.int().nonnegative(),
  /** Share of stage 2 to train. */
  until: z.number().gt(0).max(1),
  config: trainConfig,
  data: z.string().nullable(),
  labels: z.string().nullable(),
  folders: z.enum(folderMeanings).nullable(),
  strict: z.boolean(),
  backend: z.enum(['auto', ...backendNames]),
});

export type TrialMessage = z.infer<typeof trialMessage>;
