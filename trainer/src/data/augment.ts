import type { Image } from 'shared/images/image';
import type { Random } from '../config/random.ts';
import { trivialAugment } from './trivial-augment.ts';

export interface Augmentation {
  /** Mirror every second image, left to right. */
  readonly flip: boolean;
  /** Turn every second image upside down. */
  readonly flipVertical: boolean;
  /** Turn by none to three quarters; an image that is not square changes its sides. */
  readonly quarterTurns: boolean;
  /** Shift by at most this fraction of the shorter side in each direction; 0 does not shift. */
  readonly crop: number;
  /**
   * Keep a square of this fraction of the shorter side's square at least, anywhere in the image,
   * which is then resized as a whole one is; 1 keeps the image.
   */
  readonly resizedCrop: number;
  /** Make one more change out of fourteen: TrivialAugment. */
  readonly trivial: boolean;
  /** Change brightness, contrast and saturation by at most this fraction each; 0 leaves them. */
  readonly colour: number;
  /** Probability that a rectangle is overwritten. */
  readonly erase: number;
}

/**
 * For which side of the network's input an image is to be reduced, so that no part of it that is kept
 * must be enlarged, if the file has the pixels: a reduced image's shorter side is twice that, and four
 * times that is as far as it goes.
 *
 * @param size of the network's input, in pixels
 */
export function sizeToAugment(size: number, { resizedCrop }: Augmentation): number {
  return Math.min(2 * size, Math.max(size, Math.ceil(size / (2 * Math.sqrt(resizedCrop)))));
}

/**
 * Changes an image as chance has it: mirrored or not, in both directions, turned and shifted, which is a crop of the
 * original size out of the padded image (He et al. 2016, §4.2, which pads with zeros; here the
 * padding reflects the image without repeating its border), then a part of it, then its colours, then a
 * part erased.
 *
 * @returns a new image of the same channels and, but for turns and a part of it, size; `image` is
 *   left alone
 */
export function augment(image: Image, random: Random, augmentation: Augmentation): Image {
  const { flip, flipVertical, quarterTurns, crop, resizedCrop } = augmentation;
  const { trivial, colour, erase } = augmentation;
  const { width, height, channels, data } = image;
  // Always as many draws, so that what one option draws does not depend on the other.
  const isMirrored = random.float() < 0.5 && flip;
  const reach = Math.round(crop * Math.min(width, height));
  const left = random.below(2 * reach + 1) - reach;
  const top = random.below(2 * reach + 1) - reach;
  const isUpsideDown = flipVertical && random.float() < 0.5;
  // Clockwise. A quarter is a flip of the rows and a transposition, two are a flip each way.
  const turns = quarterTurns ? random.below(4) : 0;
  const mirrors = isMirrored !== turns >= 2;
  const flips = isUpsideDown !== (turns === 1 || turns === 2);
  const [right, down] = turns % 2 === 0 ? [1, width] : [height, 1];

  const changed = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    const fromY = reflect(y + top, height);
    const row = (flips ? height - 1 - fromY : fromY) * width;
    for (let x = 0; x < width; x++) {
      const column = reflect(x + left, width);
      let from = (row + (mirrors ? width - 1 - column : column)) * channels;
      let to = (y * down + x * right) * channels;
      for (let channel = 0; channel < channels; channel++) {
        changed[to++] = data[from++] as number;
      }
    }
  }
  const [newWidth, newHeight] = turns % 2 === 0 ? [width, height] : [height, width];
  const moved = { width: newWidth, height: newHeight, channels, data: changed };
  const kept = resizedCrop < 1 ? keepSquare(moved, random, resizedCrop) : moved;
  const augmented = trivial ? trivialAugment(kept, random) : kept;
  if (colour > 0) changeColours(augmented, random, colour);
  if (erase > 0 && random.float() < erase) eraseRectangle(augmented, random);
  return augmented;
}

/**
 * torchvision's RandomResizedCrop (Szegedy et al. 2015, §6) of a square: images keep their
 * proportions here.
 */
function keepSquare(
  { width, height, channels, data }: Image,
  random: Random,
  least: number,
): Image {
  const area = least + random.float() * (1 - least);
  const side = Math.max(1, Math.round(Math.sqrt(area) * Math.min(width, height)));
  const left = random.below(width - side + 1);
  const top = random.below(height - side + 1);
  const kept = new Uint8ClampedArray(side * side * channels);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * channels;
    kept.set(data.subarray(from, from + side * channels), y * side * channels);
  }
  return { width: side, height: side, channels, data: kept };
}

/** Takes a place up to one side outside `[0, length)` back in: −1 is 1, `length` is `length − 2`. */
function reflect(place: number, length: number): number {
  if (place < 0) return -place;
  return place < length ? place : 2 * (length - 1) - place;
}

/**
 * Brightness, then contrast around the image's mean grey, then saturation around each pixel's
 * own grey, each by a factor of 1 − `reach` to 1 + `reach`: torchvision's ColorJitter without hue,
 * and in one pass, which rounds once.
 */
function changeColours({ data, channels }: Image, random: Random, reach: number): void {
  const factor = () => 1 + reach * (2 * random.float() - 1);
  const [brightness, contrast, saturation] = [factor(), factor(), factor()];
  let sum = 0;
  for (let at = 0; at < data.length; at += channels) sum += greyAt(data, at);
  const mean = (brightness * sum * channels) / data.length;
  // Both are linear, so they are one factor and one shift.
  const scale = brightness * contrast;
  const shift = (1 - contrast) * mean;
  for (let at = 0; at < data.length; at += channels) {
    const grey = scale * greyAt(data, at) + shift;
    for (let channel = at; channel < at + 3; channel++) {
      const value = scale * (data[channel] as number) + shift;
      data[channel] = grey + saturation * (value - grey);
    }
  }
}

/** Luma of ITU-R 601-2, as Pillow and torchvision weigh it. */
function greyAt(data: Image['data'], at: number): number {
  const [red, green, blue] = [data[at], data[at + 1], data[at + 2]] as [number, number, number];
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/**
 * Overwrites a rectangle of 2 % to a third of the image, 0.3 to 3.3 times as high as wide, with
 * noise (Zhong et al. 2020, Algorithm 1, with timm's largest area).
 */
function eraseRectangle({ width, height, channels, data }: Image, random: Random): void {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * (0.02 + random.float() * (1 / 3 - 0.02));
    // Uniform in the logarithm: lying as often as standing.
    const aspect = Math.exp((2 * random.float() - 1) * Math.log(1 / 0.3));
    const h = Math.round(Math.sqrt(area * aspect));
    const w = Math.round(Math.sqrt(area / aspect));
    if (h >= height || w >= width) continue;
    const top = random.below(height - h + 1);
    const left = random.below(width - w + 1);
    for (let y = top; y < top + h; y++) {
      for (let at = (y * width + left) * channels; at < (y * width + left + w) * channels; at++) {
        data[at] = random.below(256);
      }
    }
    return;
  }
}
