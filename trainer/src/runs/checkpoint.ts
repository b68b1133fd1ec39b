import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import * as z from 'zod';
import { trainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import { type NamedTensor, toNamedTensor } from '../plan/named-tensor.ts';
import type { Parameter } from '../plan/operation.ts';
import { readSafetensors, writeSafetensors } from '../weights/safetensors/safetensors.ts';

/** Where a training stands. All its randomness follows from the seed and this. */
const header = z.strictObject({
  /** The stage that comes next; 3 when both are done. */
  stage: z.literal([1, 2, 3]),
  /** Epochs of the stage that are complete. */
  epoch: z.int().nonnegative(),
  /** Steps of the current epoch that are complete. */
  step: z.int().nonnegative(),
  /** Of those steps' losses. */
  lossSum: z.number(),
  optimizerSteps: z.int().nonnegative(),
  /** The stage's best so far on the validation images; epoch 0 is what the stage before left. */
  best: z
    .strictObject({ epoch: z.int(), accuracy: z.number(), logLoss: z.number().optional() })
    .nullable(),
  /** Time spent training, in all sessions. */
  seconds: z.number().nonnegative(),
  config: trainConfig,
  /** Name or path of the data set; null for CIFAR-10. */
  data: z.string().nullable(),
  datasetHash: z.string(),
  /** Of the file of pretrained weights, where the experiment names one. */
  weightsHash: z.string().optional(),
  /** That computed it: the same seed gives the same numbers on the same backend alone. */
  backend: z.string(),
  /** Top-1 on the test images after stage 1, once it is over. */
  stage1Accuracy: z.number().nullable(),
});

export type CheckpointHeader = z.infer<typeof header>;

export interface Checkpoint {
  readonly header: CheckpointHeader;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

/** The checkpoint's path in a run's folder. */
export function checkpointIn(directory: string): string {
  return join(directory, 'checkpoint.safetensors');
}

/** Writes everything that a training needs to go on, in one file and atomically. */
export async function saveCheckpoint(path: string, { header, tensors }: Checkpoint): Promise<void> {
  await writeSafetensors(path, { metadata: { graft: JSON.stringify(header) }, tensors });
}

/** @throws TrainerError `checkpoint_invalid` */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  try {
    const { metadata, tensors } = await readSafetensors(path);
    return { header: header.parse(JSON.parse(metadata['graft'] ?? '')), tensors };
  } catch (cause) {
    throw new TrainerError(
      'checkpoint_invalid',
      `Expected a checkpoint at ${path}, but the file is missing, damaged or from another version. Start the training anew without --resume.`,
      cause,
    );
  }
}

/** Copies of some variables, under a prefix. */
export async function snapshot(
  variables: Iterable<readonly [string, tf.Variable]>,
  prefix: string,
): Promise<Map<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>();
  for (const [name, value] of variables)
    tensors.set(`${prefix}${name}`, await toNamedTensor(value));
  return tensors;
}

export function byName(parameters: readonly Parameter[]): [string, tf.Variable][] {
  return parameters.map(({ name, value }) => [name, value]);
}
