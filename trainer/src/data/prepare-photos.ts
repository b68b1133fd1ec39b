import { backbones } from '../backbones/registry.ts';
import type { TrainConfig } from '../config/train-config.ts';
import type { FolderMeaning } from '../datasets/folders/find-splits.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { splitDataset } from '../datasets/split.ts';
import { startProgress } from '../files/progress.ts';
import { augment, sizeToAugment } from './augment.ts';
import { photoExamples } from './examples.ts';

/** Where an experiment's images come from. */
export interface PhotoSource {
  /** Name or path of the data set; null for CIFAR-10. */
  readonly data: string | null;
  /** Fail at a file that is no image. */
  readonly strict: boolean;
  /** What the folders in a folder of photos are; undefined: as their names say. */
  readonly folders?: FolderMeaning | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/**
 * Opens an experiment's data set, splits it, and prepares its images as the network takes them: to
 * train on, plain and augmented, to choose by, and to test.
 *
 * @throws TrainerError for a data set that cannot be used
 */
export async function preparePhotos(config: TrainConfig, source: PhotoSource) {
  const dataset = await openDataset(source.data, {
    ...source,
    purpose: 'training',
    size: config.size,
    startProgress,
  });
  const preprocess = { ...backbones[config.backbone].preprocess, size: config.size };
  const splits = splitDataset(dataset, config);
  const photos = {
    plain: photoExamples(splits.train, preprocess),
    augmented: photoExamples(splits.train, preprocess, {
      size: sizeToAugment(Math.max(config.size, ...config.stage2.sizes), config.augment),
      augment: (image, random) => augment(image, random, config.augment),
    }),
    validation: photoExamples(splits.validation, preprocess),
    test: photoExamples(splits.test, preprocess),
  };
  return { dataset, preprocess, splits, photos };
}

export type PreparedPhotos = Awaited<ReturnType<typeof preparePhotos>>;
