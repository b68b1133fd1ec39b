import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as z from 'zod';
import { trainConfig } from '../config/train-config.ts';
import { TrainerError } from '../errors.ts';
import { type NamedTensor, toNamedTensor } from '../plan/named-tensor.ts';
import type { Parameter } from '../plan/operation.ts';
import { readSafetensors, writeSafetensors } from '../weights/safetensors/safetensors.ts';

/** The position of a training. All its randomness is derived from the seed and this position. */
const header = z.strictObject({
  /** The current stage; 3 when both are done. */
  stage: z.literal([1, 2, 3]),
  /** Completed epochs of the stage. */
  epoch: z.int().nonnegative(),
  /** Completed steps of the current epoch. */
  step: z.int().nonnegative(),
  /** Sum of the losses of those steps. */
  lossSum: z.number(),
  optimizerSteps: z.int().nonnegative(),
  /** Whether stage 2 was begun again, more gently. */
  retried: z.boolean().optional(),
  /** The stage's best epoch so far by validation; epoch 0 is the result of the stage before. */
  best: z
    .strictObject({ epoch: z.int(), accuracy: z.number(), logLoss: z.number().optional() })
    .nullable(),
  /** Training time over all sessions. */
  seconds: z.number().nonnegative(),
  config: trainConfig,
  /** Name or path of the data set; null for CIFAR-10. */
  data: z.string().nullable(),
  /** What says which labels an image has, where it may have several. */
  labels: z.string().optional(),
  datasetHash: z.string(),
  /** SHA-256 of the file of pretrained weights, where the recipe names one. */
  weightsHash: z.string().optional(),
  /** The same seed gives the same numbers on the same backend only. */
  backend: z.string(),
  /** Top-1 accuracy on the test images after stage 1, as soon as that is done. */
  stage1Accuracy: z.number().nullable(),
});

export type CheckpointHeader = z.infer<typeof header>;

/** The position before a stage's first step. */
export const START = { epoch: 0, step: 0, lossSum: 0, optimizerSteps: 0, best: null };

export interface Checkpoint {
  readonly header: CheckpointHeader;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

/** The checkpoint's path in a run's folder. */
export function checkpointIn(directory: string): string {
  return join(directory, 'checkpoint.safetensors');
}

/** Writes everything that a training needs to resume, into one file and atomically. */
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
      `Expected a checkpoint at ${path}, but the file is missing, damaged or from another version. Start a new training without --resume.`,
      cause,
    );
  }
}

/**
 * @param path of the checkpoint, for the message
 * @throws TrainerError `checkpoint_invalid` where the data set or the pretrained weights have changed since
 */
export function requireSameOrigin(
  header: CheckpointHeader,
  { datasetHash, weightsHash }: Pick<CheckpointHeader, 'datasetHash' | 'weightsHash'>,
  path: string,
): void {
  if (header.datasetHash !== datasetHash) {
    throw new TrainerError(
      'checkpoint_invalid',
      `The data set has changed since the checkpoint ${path} was written: start a new training without --resume.`,
    );
  }
  // BatchNorm, which no checkpoint contains, is read from them again.
  if (header.weightsHash !== undefined && header.weightsHash !== weightsHash) {
    throw new TrainerError(
      'checkpoint_invalid',
      `The file ${header.config.weights} has changed since the checkpoint ${path} was written: restore it, or start a new training without --resume.`,
    );
  }
}

/** Copies of variables, by their names after a prefix. */
export async function snapshot(
  variables: Iterable<readonly [string, tf.Variable]>,
  prefix: string,
): Promise<Map<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>();
  for (const [name, value] of variables)
    tensors.set(`${prefix}${name}`, await toNamedTensor(value));
  return tensors;
}

/** The tensors of a checkpoint: the network's, the optimizer's state, and the best weights so far. */
export async function checkpointTensors(
  parameters: Iterable<readonly [string, tf.Variable]>,
  optimizer: Iterable<readonly [string, tf.Variable]>,
  best: ReadonlyMap<string, NamedTensor>,
): Promise<Map<string, NamedTensor>> {
  return new Map([
    ...(await snapshot(parameters, 'parameters/')),
    ...(await snapshot(optimizer, 'optimizer/')),
    ...[...best].map(([name, tensor]) => [`best/${name}`, tensor] as const),
  ]);
}

/** Pairs of a parameter's name and variable. */
export function byName(parameters: readonly Parameter[]): [string, tf.Variable][] {
  return parameters.map(({ name, value }) => [name, value]);
}

/** The tensors whose names begin with a prefix, by the rest of their names. */
export function withPrefix(
  tensors: ReadonlyMap<string, NamedTensor>,
  prefix: string,
): Map<string, NamedTensor> {
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}

/**
 * Assigns tensors to the variables of the same names.
 *
 * @throws TrainerError `checkpoint_invalid` for a tensor that is missing or of another shape
 */
export function restore(
  variables: Iterable<readonly [string, tf.Variable]>,
  tensors: ReadonlyMap<string, NamedTensor>,
  prefix = '',
): void {
  tf.tidy(() => {
    for (const [name, variable] of variables) {
      const tensor = tensors.get(`${prefix}${name}`);
      if (tensor?.shape.join() !== variable.shape.join()) {
        throw new TrainerError(
          'checkpoint_invalid',
          `Expected ${prefix}${name} with shape [${variable.shape}] in the checkpoint, but ${tensor ? `its shape is [${tensor.shape}]` : 'there is no such tensor'}: the checkpoint belongs to another network.`,
        );
      }
      variable.assign(tf.tensor(tensor.values, variable.shape));
    }
  });
}

/** What to expect of a run that continues on another backend. */
export function noteOtherBackend(before: string, now: string): string {
  return `This run started on the backend ${before} and continues on ${now}: it will train as well, but not reproduce the same numbers.`;
}
