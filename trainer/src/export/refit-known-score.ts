import type { KnownScore } from 'shared/contract/model-card';
import { openCounterExamples } from '../datasets/counter-examples.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { whole } from '../datasets/split.ts';
import { TrainerError } from '../errors.ts';
import { readModel } from '../models/load-model.ts';
import { openCardImages, readingFor } from './card-images.ts';
import { readImagenetClasses } from './contrast/imagenet-classes.ts';
import { readPretrainedHead } from './contrast/pretrained-head.ts';
import { fitKnownScore } from './fit-known-score.ts';
import { fromArtifacts } from './graph-builder.ts';
import { readHead } from './head/head.ts';
import { withoutKnownScore } from './known-score.ts';
import { writeModelDirectory } from './write-model-directory.ts';

export interface RefitTask {
  /** Name or path of the data set; null for CIFAR-10. */
  readonly data: string | null;
  /** Where an image may have several labels, what says which: a file's path, or `folders`. */
  readonly labels?: string | undefined;
  /** A folder of folders of images of none of the classes, instead of those beside the classes. */
  readonly unknown?: string | undefined;
  /** A file of ImageNet's classes that are among the model's own, to contrast it to all others. */
  readonly imagenet?: string | undefined;
  /** The share of known images to keep, 0–1. */
  readonly keep: number;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/**
 * Fits the score of a finished model again, or for the first time. The network's weights do not change;
 * the score's are a shard of their own.
 *
 * @throws TrainerError `model_invalid`, `dataset_invalid`, `config_invalid`, `weights_invalid`
 */
export async function refitKnownScore(directory: string, task: RefitTask): Promise<KnownScore> {
  const { card, artifacts } = await readModel(directory);
  const { quantization, weightsHash: _, ...draft } = card;
  const { bytes: __, ...format } = quantization;
  if (card.multiLabel && task.labels === undefined) {
    throw new TrainerError(
      'config_invalid',
      `Expected --labels, a CSV file or folders, since images may have several of the labels of ${card.id}.`,
    );
  }
  const options = readingFor(card, task);
  const reading = { ...options, labels: task.labels };
  const { splits, seed } = await openCardImages(card, task.data, reading);
  const counterExamples =
    task.unknown === undefined
      ? await openCounterExamples(task.data, card.preprocess.size, task.say)
      : (await openDataset(task.unknown, options)).train;
  const bare = withoutKnownScore(fromArtifacts(artifacts));
  const isKnown = task.imagenet === undefined ? null : await readImagenetClasses(task.imagenet);
  const pretrained = isKnown && {
    head: await readPretrainedHead(card, readHead(bare).channels),
    isKnown,
  };
  const { model, knownScore } = await fitKnownScore(bare, {
    preprocess: card.preprocess,
    arithmetic: quantization.arithmetic ?? 'float32',
    classes: card.labels.length,
    splits,
    counterExamples: counterExamples && whole(counterExamples),
    pretrained: pretrained ?? undefined,
    keep: task.keep,
    seed,
    signal: task.signal,
  });
  await writeModelDirectory(directory, model, { ...draft, quantization: format, knownScore });
  return knownScore;
}
