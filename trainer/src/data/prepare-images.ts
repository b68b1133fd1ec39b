import { backbones } from '../backbones/registry.ts';
import { GENTLER, type TrainConfig } from '../config/train-config.ts';
import { openCounterExamples } from '../datasets/counter-examples.ts';
import { allLabels, type Dataset } from '../datasets/dataset.ts';
import type { FolderMeaning } from '../datasets/folders/find-splits.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { type Part, type Splits, splitDataset } from '../datasets/split.ts';
import { startProgress } from '../files/progress.ts';
import { type Augmentation, augment, sizeToAugment, withLargerCrops } from './augment.ts';
import { imageBatches } from './batches.ts';

/** Where the images of a training come from, and how they are read. */
export interface DataOptions {
  /** Name or path of the data set; null for CIFAR-10. */
  readonly data: string | null;
  /** Fail on unreadable images. */
  readonly strict: boolean;
  /** What the folders in a folder of images mean; undefined: what their names say. */
  readonly folders?: FolderMeaning | undefined;
  /** Where an image may have several labels, what says which: a file's path, or `folders`. */
  readonly labels?: string | undefined;
  readonly signal: AbortSignal;
  say(line: string): void;
}

/**
 * Opens a recipe's data set, splits it, and preprocesses its images for the network: the training
 * images without augmentation, with it and with a gentler one, the validation images and the test images. Where a class is too
 * small for the recipe to validate, the validation images are among the training images, which are cropped less.
 *
 * @throws TrainerError for a data set that cannot be used
 */
export async function prepareImages(config: TrainConfig, options: DataOptions) {
  const dataset = await openDataset(options.data, {
    ...options,
    purpose: 'training',
    size: config.size,
    startProgress,
  });
  const counterExamples = await openCounterExamples(options.data, config.size, options.say);
  const preprocess = { ...backbones[config.backbone].preprocess, size: config.size };
  const drawn = splitDataset(dataset, config);
  const pool = joined(drawn, dataset);
  const validates = pool === undefined || smallestClass(pool) >= config.validateFrom;
  const splits = validates ? drawn : { ...drawn, train: pool };
  const augmentedBy = (augmentation: Augmentation) =>
    imageBatches(splits.train, preprocess, {
      size: sizeToAugment(Math.max(config.size, ...config.stage2.sizes), augmentation),
      augment: (image, random) => augment(image, random, augmentation),
    });
  const images = {
    plain: imageBatches(splits.train, preprocess),
    augmented: augmentedBy(
      validates ? config.augment : withLargerCrops(config.augment, config.augment.resizedCropOfFew),
    ),
    /** For where training on the augmented ones fails. */
    gentlyAugmented: augmentedBy(withLargerCrops(config.augment, GENTLER.crop)),
    validation: imageBatches(splits.validation, preprocess),
    test: imageBatches(splits.test, preprocess),
  };
  return { dataset, preprocess, splits, images, validates, counterExamples };
}

/** Training and validation images as one part; undefined where the validation images are a set of their own. */
function joined({ train, validation }: Splits, dataset: Dataset): Part | undefined {
  if (dataset.validation) return undefined;
  const indices = [...train.indices, ...validation.indices].sort((a, b) => a - b);
  return { set: train.set, indices };
}

/** The number of images of the class with the fewest. */
function smallestClass({ set, indices }: Part): number {
  const counts = new Map<number, number>();
  for (const label of indices.flatMap((index) => allLabels(set, index))) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return Math.min(...counts.values());
}

export type PreparedImages = Awaited<ReturnType<typeof prepareImages>>;
