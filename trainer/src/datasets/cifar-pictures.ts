import { createHash } from 'node:crypto';
import type { PictureSet } from './dataset.ts';

const SIDE = 32;
/** RGB samples of one picture. */
export const PICTURE_BYTES = SIDE * SIDE * 3;

export const cifarLicence =
  'No licence stated; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.';

export interface Samples {
  /** RGB, picture after picture, row by row. */
  readonly pixels: Uint8Array;
  readonly classes: Uint8Array;
}

export function toPictureSet({ pixels, classes }: Samples): PictureSet {
  return {
    length: classes.length,
    picture(index) {
      const start = index * PICTURE_BYTES;
      return {
        width: SIDE,
        height: SIDE,
        channels: 3,
        data: pixels.subarray(start, start + PICTURE_BYTES),
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

/** The same for the same pictures and labels, whatever files they come from. */
export function hashSamples(sets: readonly Samples[]): string {
  const hash = createHash('sha256');
  for (const { pixels, classes } of sets) hash.update(pixels).update(classes);
  return hash.digest('hex');
}
