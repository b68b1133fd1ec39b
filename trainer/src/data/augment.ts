import type { Image } from 'shared/images/image';
import type { Random } from '../config/random.ts';

export interface Augmentation {
  /** Random horizontal flip, p = 0.5. */
  readonly flip: boolean;
  /** Random vertical flip, p = 0.5. */
  readonly flipVertical: boolean;
  /** Random rotation by 0, 90, 180 or 270 degrees; width and height may be exchanged. */
  readonly quarterTurns: boolean;
  /** Random shift by at most this fraction of the shorter side in each direction; 0 disables it. */
  readonly crop: number;
  /**
   * Random crop of a square, whose area is at least this fraction of the image's, or as much of it as a square
   * can have; it is then resized like a whole image. 1 disables it.
   */
  readonly resizedCrop: number;
  /** Random brightness, contrast and saturation, each by at most this fraction; 0 disables it. */
  readonly colour: number;
  /** Probability of random erasing. */
  readonly erase: number;
}

/**
 * The augmentation with random crops of more of an image.
 *
 * @param least fraction of the area, 0–1
 */
export function withLargerCrops(augmentation: Augmentation, least: number): Augmentation {
  return { ...augmentation, resizedCrop: Math.max(least, augmentation.resizedCrop) };
}

/**
 * The input side for which images must be reduced on reading, so that even the smallest random crop need
 * not be enlarged, as far as the file has the pixels. The shorter side of a reduced image is twice the
 * side that it is reduced for, and at most four times the network's.
 *
 * @param size side of the network's input, in pixels
 */
export function sizeToAugment(size: number, { resizedCrop }: Augmentation): number {
  return Math.min(2 * size, Math.max(size, Math.ceil(size / (2 * Math.sqrt(resizedCrop)))));
}

/**
 * Augments an image, in this order: flips, rotation and shift, which is a crop of the original size out of
 * the padded image (He et al. 2016, §4.2, who pad with zeros; here the padding reflects the image
 * without repeating its border); random resized crop; colour jitter; random erasing.
 *
 * @returns a new image with the same channels; its size changes with rotations and crops only. `image` is
 *   not modified.
 */
export function augment(image: Image, random: Random, augmentation: Augmentation): Image {
  const { flip, flipVertical, quarterTurns, crop, resizedCrop } = augmentation;
  const { colour, erase } = augmentation;
  const { width, height, channels, data } = image;
  // Flip and shift are drawn even where they are disabled, so that enabling one leaves the other's draws.
  const isFlipped = random.float() < 0.5 && flip;
  const reach = Math.round(crop * Math.min(width, height));
  const left = random.below(2 * reach + 1) - reach;
  const top = random.below(2 * reach + 1) - reach;
  const isUpsideDown = flipVertical && random.float() < 0.5;
  // Clockwise. 90° is a vertical flip and a transposition; 180° is a flip in both directions.
  const turns = quarterTurns ? random.below(4) : 0;
  const flipsColumns = isFlipped !== turns >= 2;
  const flipsRows = isUpsideDown !== (turns === 1 || turns === 2);
  const [right, down] = turns % 2 === 0 ? [1, width] : [height, 1];

  const changed = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    const fromY = reflect(y + top, height);
    const row = (flipsRows ? height - 1 - fromY : fromY) * width;
    for (let x = 0; x < width; x++) {
      const column = reflect(x + left, width);
      let from = (row + (flipsColumns ? width - 1 - column : column)) * channels;
      let to = (y * down + x * right) * channels;
      for (let channel = 0; channel < channels; channel++) {
        changed[to++] = data[from++] as number;
      }
    }
  }
  const [newWidth, newHeight] = turns % 2 === 0 ? [width, height] : [height, width];
  const moved = { width: newWidth, height: newHeight, channels, data: changed };
  const augmented = resizedCrop < 1 ? cropSquare(moved, random, resizedCrop) : moved;
  if (colour > 0) jitterColours(augmented, random, colour);
  if (erase > 0 && random.float() < erase) eraseRectangle(augmented, random);
  return augmented;
}

/**
 * torchvision's RandomResizedCrop (Szegedy et al. 2015, §6), of squares only: the images keep their
 * proportions. A square as large as the shorter side is the one in the middle, as the network sees the image
 * when it is served: so it is for most crops of a long image, whose ends may show other things.
 */
function cropSquare(
  { width, height, channels, data }: Image,
  random: Random,
  least: number,
): Image {
  const area = (least + random.float() * (1 - least)) * width * height;
  const largest = Math.min(width, height);
  const side = Math.min(largest, Math.max(1, Math.round(Math.sqrt(area))));
  const place = (length: number) =>
    side === largest ? Math.floor((length - side) / 2) : random.below(length - side + 1);
  const [left, top] = [place(width), place(height)];
  const kept = new Uint8ClampedArray(side * side * channels);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * channels;
    kept.set(data.subarray(from, from + side * channels), y * side * channels);
  }
  return { width: side, height: side, channels, data: kept };
}

/** Reflects a position outside `[0, length)`: −1 becomes 1, `length` becomes `length − 2`. */
function reflect(at: number, length: number): number {
  if (at < 0) return -at;
  return at < length ? at : 2 * (length - 1) - at;
}

/**
 * Colour jitter: brightness, then contrast around the image's mean grey, then saturation around each
 * pixel's own grey, each by a factor of 1 − `reach` to 1 + `reach`. This is torchvision's ColorJitter
 * without hue, in one pass, which rounds only once.
 */
function jitterColours({ data, channels }: Image, random: Random, reach: number): void {
  const factor = () => 1 + reach * (2 * random.float() - 1);
  const [brightness, contrast, saturation] = [factor(), factor(), factor()];
  let sum = 0;
  for (let at = 0; at < data.length; at += channels) sum += greyAt(data, at);
  const mean = (brightness * sum * channels) / data.length;
  // Both are linear, so one factor and one shift express them.
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
 * Random erasing: overwrites a rectangle of 2 % to a third of the image, 0.3 to 3.3 times as high as
 * wide, with noise (Zhong et al. 2020, Algorithm 1, with timm's largest area).
 */
function eraseRectangle({ width, height, channels, data }: Image, random: Random): void {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * (0.02 + random.float() * (1 / 3 - 0.02));
    // Uniform in the logarithm, so that wide and high rectangles are equally likely.
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
