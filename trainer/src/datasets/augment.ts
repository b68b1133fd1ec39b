import type { Picture } from 'shared/preprocess';
import type { Random } from './random.ts';

export interface Augmentation {
  /** Mirror every second picture, left to right. */
  readonly flip: boolean;
  /** Shift by at most this fraction of the shorter side in each direction; 0 does not shift. */
  readonly crop: number;
}

/**
 * Changes a picture as chance has it: mirrored or not, then shifted, which is a
 * crop of the original size out of the padded picture. The
 * padding reflects the picture without repeating its border.
 *
 * @returns a new picture of the same size and channels; `picture` is left alone
 * @see He et al., Deep Residual Learning for Image Recognition, 2016, section 4.2 (which pads with zeros)
 */
export function augment(picture: Picture, random: Random, { flip, crop }: Augmentation): Picture {
  const { width, height, channels, data } = picture;
  // Always as many draws, so that what one option draws does not depend on the other.
  const mirrored = random.float() < 0.5 && flip;
  const reach = Math.round(crop * Math.min(width, height));
  const left = random.below(2 * reach + 1) - reach;
  const top = random.below(2 * reach + 1) - reach;

  const changed = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = reflect(y + top, height) * width;
    for (let x = 0; x < width; x++) {
      const column = reflect(x + left, width);
      let from = (row + (mirrored ? width - 1 - column : column)) * channels;
      for (let channel = 0; channel < channels; channel++) {
        changed[to++] = data[from++] as number;
      }
    }
  }
  return { width, height, channels, data: changed };
}

/** Takes a place up to one side outside `[0, length)` back in: −1 is 1, `length` is `length − 2`. */
function reflect(place: number, length: number): number {
  if (place < 0) return -place;
  return place < length ? place : 2 * (length - 1) - place;
}
