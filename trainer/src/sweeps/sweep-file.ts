import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { backendNames } from '../backends/start-backend.ts';
import { trainConfig } from '../config/train-config.ts';
import { folderMeanings } from '../datasets/folders/find-splits.ts';
import { TrainerError } from '../errors.ts';
import { writeFileAtomically } from '../files/write-atomically.ts';

/** One training of a sweep. */
const trial = z.strictObject({
  /** Of its folder: `01`, `02`, … */
  name: z.string().regex(/^\d+$/),
  /** The texts of the varied fields, by path. */
  settings: z.record(z.string(), z.string()),
  config: trainConfig,
});

export type Trial = z.infer<typeof trial>;

/** What a training gave, up to the share of stage 2 that it was asked for. */
const measured = z.strictObject({
  /** Epochs of stage 2 that the result is of. */
  epochs: z.int().nonnegative(),
  /** Top-1 of the validation images, 0–1, and their mean cross-entropy in nats: those of the best epoch. */
  accuracy: z.number(),
  loss: z.number(),
  datasetHash: z.string(),
  /** Backends round differently. */
  backend: z.string(),
  /** Where the checkpoint is. */
  host: z.string(),
  directory: z.string(),
});

export type Measured = z.infer<typeof measured>;

/** The sentence of a training that cannot be done, such as one whose loss became infinite. */
const failed = z.strictObject({ error: z.string() });

export const trialResult = z.union([measured, failed]);

export type TrialResult = z.infer<typeof trialResult>;

/** What all trainings of a sweep have in common. */
export const sweepSettings = {
  /** Tells its jobs from those of other sweeps in the same queue. */
  key: z.uuid(),
  /** Name or path of the data set; null for CIFAR-10. */
  data: z.string().nullable(),
  /** What says which labels an image has, where it may have several. */
  labels: z.string().nullable(),
  folders: z.enum(folderMeanings).nullable(),
  strict: z.boolean(),
  backend: z.enum(['auto', ...backendNames]),
  /** Where the machines keep features together: a folder or s3://bucket/prefix; null: each its own. */
  features: z.string().nullable(),
};

const sweepFile = z.strictObject({
  ...sweepSettings,
  /** As it was typed. */
  command: z.string(),
  /** The varied fields' paths. */
  varied: z.array(z.string()),
  /** Shares of stage 2 after which all but the best are left out, ascending; the last is 1. */
  rungs: z.array(z.number().gt(0).max(1)),
  /** One settings in so many goes on after a rung. */
  eta: z.number().min(2),
  trials: z.array(trial),
  /** By the trial's name, a result for each rung that it has reached. */
  results: z.record(z.string(), z.array(trialResult)),
});

export type SweepFile = z.infer<typeof sweepFile>;

export function sweepFileIn(directory: string): string {
  return join(directory, 'sweep.json');
}

/** @throws TrainerError `run_invalid` */
export async function readSweep(directory: string): Promise<SweepFile> {
  const path = sweepFileIn(directory);
  try {
    return sweepFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new TrainerError(
      'run_invalid',
      `Expected a sweep at ${path}, but the file is missing, damaged or from another version.`,
      cause,
    );
  }
}

/** @throws TrainerError `disk_full`, `not_writable` */
export async function writeSweep(directory: string, sweep: SweepFile): Promise<void> {
  await writeFileAtomically(sweepFileIn(directory), `${JSON.stringify(sweep, null, 1)}\n`);
}

/** What a worker is told of a trial's recipe and images. @param name of the sweep's folder */
export function messageOf(
  { key, data, labels, folders, strict, backend, features }: SweepFile,
  name: string,
  { config }: Trial,
) {
  return { key, sweep: name, config, data, labels, folders, strict, backend, features };
}
