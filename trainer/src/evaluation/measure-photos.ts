import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';
import { imageBatches } from '../data/batches.ts';
import { decodingThreads } from '../datasets/decoding/decoding-threads.ts';
import { TrainerError } from '../errors.ts';
import { listNames } from '../files/list-names.ts';
import type { Classifier } from '../models/load-model.ts';
import { evaluate } from './evaluate.ts';
import { measure, topPrediction } from './metrics.ts';

/** The name that stands in a card in place of a data set's. */
export const REAL_PHOTOS = 'real photos';

/** Real photos in class folders. */
export interface PhotoFolder {
  readonly path: string;
  readonly photos: readonly { readonly path: string; readonly label: string }[];
}

/** A model's result on photos. */
export interface PhotoResult {
  readonly right: number;
  readonly photos: number;
  /** Mean probability of the label, which is finer than accuracy where there are few photos. */
  readonly probability: number;
  /** Mean negative log-likelihood, in nats. */
  readonly logLoss: number;
  /** The wrong predictions, most confident first. */
  readonly wrong: readonly {
    readonly photo: string;
    readonly predicted: string;
    readonly probability: number;
  }[];
}

const IMAGE = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i;

/**
 * Lists the photos of a folder of class folders.
 *
 * @param labels of the model, one of which each folder must be named after
 * @throws TrainerError `dataset_invalid` for a folder with another name, or without photos
 */
export async function listPhotos(path: string, labels: readonly string[]): Promise<PhotoFolder> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new TrainerError(
      'dataset_invalid',
      `Expected a folder of photos at ${path}, but it cannot be read.`,
      cause,
    );
  });
  const classes = listNames(labels, 20);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const unknown = folders.filter((name) => !labels.includes(name));
  if (unknown.length > 0) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected folders named after the model's classes (${classes}), but ${path} contains ${unknown.join(', ')}.`,
    );
  }
  const photos: PhotoFolder['photos'][number][] = [];
  for (const label of folders.toSorted()) {
    for (const file of (await readdir(join(path, label))).toSorted()) {
      if (IMAGE.test(file)) photos.push({ path: join(path, label, file), label });
    }
  }
  if (photos.length === 0) {
    throw new TrainerError(
      'dataset_invalid',
      `Expected photos in folders named after the model's classes (${classes}), but ${path} contains none.`,
    );
  }
  return { path, photos };
}

/** Runs a model on every photo, predicting among all of its classes. */
export async function measurePhotos(
  { run, preprocess, labels }: Pick<Classifier, 'run' | 'preprocess' | 'labels'>,
  { photos }: PhotoFolder,
): Promise<PhotoResult> {
  const names = labels.map(({ name }) => name);
  const classes = photos.map(({ label }) => names.indexOf(label));
  const set = {
    length: photos.length,
    image: async (index: number) =>
      (await decodingThreads.decode(photos[index]?.path as string, preprocess.size)).image,
    label: (index: number) => classes[index] as number,
  };
  const source = imageBatches({ set, indices: [...classes.keys()] }, preprocess);
  const predictions = await evaluate(run, source, {
    progress: { advance: () => {}, stop: () => {} },
    signal: new AbortController().signal,
  });
  const { top1, logLoss } = measure(predictions);
  const probabilityOf = (index: number, label: number) =>
    predictions.probabilities[index * predictions.classes + label] as number;
  const wrong = classes.flatMap((label, index) => {
    const { predicted, probability } = topPrediction(predictions, index);
    if (predicted === label) return [];
    const { path, label: folder } = photos[index] as PhotoFolder['photos'][number];
    const photo = join(folder, basename(path));
    return [{ photo, predicted: names[predicted] as string, probability }];
  });
  const sum = classes.reduce((total, label, index) => total + probabilityOf(index, label), 0);
  return {
    right: Math.round(top1 * photos.length),
    photos: photos.length,
    probability: sum / photos.length,
    logLoss,
    wrong: wrong.toSorted((a, b) => b.probability - a.probability),
  };
}

/** The benchmark accuracy in a card, such as `96.07 % of CIFAR-10, test`. */
export function benchmarkOf({ accuracy }: ModelCard): string {
  const measured = accuracy.find(({ source }) => source === 'measured') ?? accuracy[0];
  if (!measured) return 'none';
  const share = (100 * (measured.quantized ?? measured.float32)).toFixed(2);
  return `${share} % of ${measured.dataset}, ${measured.split}`;
}
