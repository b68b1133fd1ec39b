import type { ModelCard } from 'shared/contract/model-card';
import { cardConfig } from '../config/train-config.ts';
import type { Dataset } from '../datasets/dataset.ts';
import type { ImageFolderOptions } from '../datasets/folders/image-folder.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import { type Splits, splitDataset } from '../datasets/split.ts';
import { startProgress } from '../files/progress.ts';

/** Of a model that the images did not train: there is nothing that must be kept apart. */
const OTHER_IMAGES = {
  split: 'stratified',
  validation: 0.5,
  test: 0.2,
  limit: null,
  seed: 1,
} as const;

/** How images are read that a finished model looks at. */
export function readingFor(
  { preprocess }: ModelCard,
  { signal, say }: Pick<ImageFolderOptions, 'signal' | 'say'>,
): ImageFolderOptions {
  const { size } = preprocess;
  return { signal, say, strict: false, purpose: 'measuring', size, startProgress };
}

/**
 * Opens the images that a model was trained on, in the splits of its training, or others, in splits of
 * their own.
 *
 * @param data name or path of the data set; null for CIFAR-10
 * @throws TrainerError `dataset_invalid`
 */
export async function openCardImages(
  { training }: ModelCard,
  data: string | null,
  options: ImageFolderOptions,
): Promise<{ readonly dataset: Dataset; readonly splits: Splits; readonly seed: number }> {
  const dataset = await openDataset(data, options);
  const config = cardConfig.safeParse(training?.config);
  const isTrainedOn = training?.data?.hash === dataset.hash || data === null;
  const splits = splitDataset(dataset, config.success && isTrainedOn ? config.data : OTHER_IMAGES);
  return { dataset, splits, seed: config.success ? config.data.seed : OTHER_IMAGES.seed };
}
