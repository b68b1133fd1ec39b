import type { KnownScore } from 'shared/contract/model-card';
import { cardConfig } from '../config/train-config.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { type Splits, splitDataset, whole } from '../datasets/split.ts';
import { startProgress } from '../files/progress.ts';
import { readModel } from '../models/load-model.ts';
import { fitKnownScore } from './fit-known-score.ts';
import type { GraphModel } from './graph-builder.ts';
import { withoutKnownScore } from './known-score.ts';
import { writeModelDirectory } from './write-model-directory.ts';

export interface RefitTask {
  /** Name or path of the data set; null for CIFAR-10. */
  readonly data: string | null;
  /** A folder of folders of images of none of the classes. */
  readonly unknown?: string | undefined;
  /** The share of known images to keep, 0–1. */
  readonly keep: number;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/** Of a model that the images did not train: there is nothing that must be kept apart. */
const OTHER_IMAGES = {
  split: 'stratified',
  validation: 0.5,
  test: 0.2,
  limit: null,
  seed: 1,
} as const;

/**
 * Fits the score of a finished model again, or for the first time. The network's weights do not change;
 * the score's are a shard of their own.
 *
 * @throws TrainerError `model_invalid`, `dataset_invalid`
 */
export async function refitKnownScore(directory: string, task: RefitTask): Promise<KnownScore> {
  const { card, artifacts } = await readModel(directory);
  const { size } = card.preprocess;
  const { quantization, weightsHash: _, ...draft } = card;
  const { bytes: __, ...format } = quantization;
  const options = { ...task, strict: false, purpose: 'measuring' as const, size, startProgress };
  const dataset = await openDataset(task.data, options);
  const config = cardConfig.safeParse(card.training?.config);
  const isTrainedOnIt = config.success && card.training?.data?.hash === dataset.hash;
  const isCifar = config.success && task.data === null;
  const splits: Splits = splitDataset(
    dataset,
    isTrainedOnIt || isCifar ? config.data : OTHER_IMAGES,
  );
  const counterExamples =
    task.unknown === undefined ? undefined : (await openDataset(task.unknown, options)).train;
  const weightData = Buffer.concat(
    [artifacts.weightData ?? []].flat().map((part) => new Uint8Array(part)),
  );
  const stored: GraphModel = {
    topology: artifacts.modelTopology as GraphModel['topology'],
    signature: artifacts.signature ?? {},
    weightSpecs: artifacts.weightSpecs ?? [],
    weightData: new Uint8Array(weightData),
    kernels: new Map(),
  };
  const { model, knownScore } = await fitKnownScore(withoutKnownScore(stored), {
    preprocess: card.preprocess,
    arithmetic: quantization.arithmetic ?? 'float32',
    classes: card.labels.length,
    splits,
    counterExamples: counterExamples && whole(counterExamples),
    keep: task.keep,
    seed: config.success ? config.data.seed : 1,
    signal: task.signal,
  });
  await writeModelDirectory(directory, model, { ...draft, quantization: format, knownScore });
  return knownScore;
}
