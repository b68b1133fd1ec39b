import { createHash } from 'node:crypto';
import type { Dataset, ImageSet } from './dataset.ts';

const SIDE = 32;
/** Bytes of one image in RGB. */
export const IMAGE_BYTES = SIDE * SIDE * 3;

const LICENCE =
  'No licence stated; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.';

export interface Samples {
  /** RGB, image after image, row by row. */
  readonly pixels: Uint8Array;
  readonly classes: Uint8Array;
}

function toImageSet({ pixels, classes }: Samples): ImageSet {
  return {
    length: classes.length,
    image(index) {
      const start = index * IMAGE_BYTES;
      return {
        width: SIDE,
        height: SIDE,
        channels: 3,
        data: pixels.subarray(start, start + IMAGE_BYTES),
      };
    },
    label(index) {
      const label = classes[index];
      if (label === undefined)
        throw new RangeError(`There is no image ${index} of ${classes.length}.`);
      return label;
    },
  };
}

/** @param about which of the data sets it is, and the names of its labels */
export function cifarDataset(
  about: Pick<Dataset, 'id' | 'title' | 'labels'>,
  { train, test }: Readonly<Record<'train' | 'test', Samples>>,
): Dataset & { readonly test: ImageSet } {
  return {
    ...about,
    train: toImageSet(train),
    validation: null,
    test: toImageSet(test),
    hash: hashSamples([train, test]),
    licence: LICENCE,
  };
}

/** The hash of images and labels, whatever files they come from. */
export function hashSamples(sets: readonly Samples[]): string {
  const hash = createHash('sha256');
  for (const { pixels, classes } of sets) hash.update(pixels).update(classes);
  return hash.digest('hex');
}
