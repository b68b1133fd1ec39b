import type { Image } from 'shared/images/image';
import type { Random } from '../config/random.ts';

/** The largest magnitude of each operation, as in torchvision's TrivialAugmentWide. */
const SHEAR = 0.99;
const DEGREES = 135;
const FACTOR = 0.99;
const LEAST_BITS = 2;
/** Fraction of the shorter side: torchvision's 32 pixels of 224. */
const SHIFT = 1 / 7;
/** Number of evenly spaced strengths to draw from. */
const STRENGTHS = 31;

export const operations = [
  'identity',
  'shear-x',
  'shear-y',
  'shift-x',
  'shift-y',
  'rotate',
  'brightness',
  'colour',
  'contrast',
  'sharpness',
  'posterize',
  'solarize',
  'autocontrast',
  'equalize',
] as const;

/**
 * Applies one operation out of fourteen at a strength, both drawn uniformly (TrivialAugment, Müller &
 * Hutter 2021). Pixels from outside the image are black.
 *
 * @returns a new image of the same size and channels; `image` is not modified
 */
export function trivialAugment(image: Image, random: Random): Image {
  const operation = operations[random.below(operations.length)] as (typeof operations)[number];
  const strength = random.below(STRENGTHS) / (STRENGTHS - 1);
  return applyOperation(image, operation, strength, random.float() < 0.5 ? -1 : 1);
}

/**
 * @param strength 0–1
 * @param sign direction, for the operations that have two
 */
export function applyOperation(
  image: Image,
  operation: (typeof operations)[number],
  strength: number,
  sign: 1 | -1,
): Image {
  const { width, height } = image;
  const shift = Math.trunc(sign * strength * SHIFT * Math.min(width, height));
  const shear = sign * strength * SHEAR;
  const factor = 1 + sign * strength * FACTOR;
  switch (operation) {
    case 'identity':
      return { ...image, data: Uint8ClampedArray.from(image.data) };
    case 'shear-x':
      return transform(image, [1, -shear, 0, 0, 1, 0]);
    case 'shear-y':
      return transform(image, [1, 0, 0, -shear, 1, 0]);
    case 'shift-x':
      return transform(image, [1, 0, -shift, 0, 1, 0]);
    case 'shift-y':
      return transform(image, [1, 0, 0, 0, 1, -shift]);
    case 'rotate': {
      const radians = (-sign * strength * DEGREES * Math.PI) / 180;
      const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
      const [x, y] = [width / 2, height / 2];
      return transform(image, [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]);
    }
    case 'brightness':
      return blend(image, () => 0, factor);
    case 'colour':
      return blend(image, (place) => greyAt(image, place), factor);
    case 'contrast': {
      let sum = 0;
      for (let place = 0; place < width * height; place++) sum += greyAt(image, place);
      const mean = Math.trunc(sum / (width * height) + 0.5);
      return blend(image, () => mean, factor);
    }
    case 'sharpness':
      return blend(image, (place, channel) => smoothAt(image, place, channel), factor);
    case 'posterize': {
      const mask = (0xff << Math.round(strength * (8 - LEAST_BITS))) & 0xff;
      return mapValues(image, () => (value) => value & mask);
    }
    case 'solarize': {
      const threshold = 255 * (1 - strength);
      return mapValues(image, () => (value) => (value < threshold ? value : 255 - value));
    }
    case 'autocontrast':
      return mapValues(image, (histogram) => {
        const lowest = histogram.findIndex((count) => count > 0);
        const highest = histogram.findLastIndex((count) => count > 0);
        const scale = 255 / (highest - lowest);
        return (value) => (highest > lowest ? Math.trunc(value * scale - lowest * scale) : value);
      });
    case 'equalize':
      return mapValues(image, equalizer);
  }
}

/**
 * An affine transform with nearest-neighbour sampling, as Pillow's `Image.transform`: a pixel with its
 * middle at (x, y) takes the value at `x' = a x + b y + c`, `y' = d x + e y + f`.
 */
function transform(
  image: Image,
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
): Image {
  const { width, height, channels, data } = image;
  const changed = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromX = Math.floor(a * (x + 0.5) + b * (y + 0.5) + c);
      const fromY = Math.floor(d * (x + 0.5) + e * (y + 0.5) + f);
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const from = (fromY * width + fromX) * channels;
      changed.set(data.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return { ...image, data: changed };
}

/** Pillow's `ImageEnhance`: a factor below 1 moves towards the other image, above 1 away from it. */
function blend(
  image: Image,
  other: (place: number, channel: number) => number,
  factor: number,
): Image {
  const { channels, data } = image;
  const changed = Uint8ClampedArray.from(data);
  for (let at = 0; at < data.length; at++) {
    const channel = at % channels;
    if (channel > 2) continue;
    const away = other((at - channel) / channels, channel);
    changed[at] = Math.trunc(away + factor * ((data[at] as number) - away));
  }
  return { ...image, data: changed };
}

/** Pillow's luma: ITU-R 601-2 in 16-bit integers. */
function greyAt({ channels, data }: Image, place: number): number {
  const at = place * channels;
  const [red, green, blue] = [data[at], data[at + 1], data[at + 2]] as [number, number, number];
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Pillow's SMOOTH filter: weight 5 for the pixel, 1 for its eight neighbours; the border is kept. */
function smoothAt({ width, height, channels, data }: Image, place: number, channel: number) {
  const [x, y] = [place % width, Math.floor(place / width)];
  const valueAt = (at: number) => data[at * channels + channel] as number;
  if (x === 0 || y === 0 || x === width - 1 || y === height - 1) return valueAt(place);
  let sum = 4 * valueAt(place);
  for (const row of [place - width, place, place + width]) {
    for (const at of [row - 1, row, row + 1]) sum += valueAt(at);
  }
  return Math.trunc(sum / 13 + 0.5);
}

/** Maps each value by a lookup table, which may depend on the histogram of its channel. */
function mapValues(
  image: Image,
  by: (histogram: readonly number[]) => (value: number) => number,
): Image {
  const { channels, data } = image;
  const changed = Uint8ClampedArray.from(data);
  for (let channel = 0; channel < 3; channel++) {
    const histogram: number[] = Array(256).fill(0);
    for (let at = channel; at < data.length; at += channels) {
      histogram[data[at] as number] = (histogram[data[at] as number] as number) + 1;
    }
    const table = by(histogram);
    const values = histogram.map((_, value) => table(value));
    for (let at = channel; at < data.length; at += channels) {
      changed[at] = values[data[at] as number] as number;
    }
  }
  return { ...image, data: changed };
}

/** Pillow's `ImageOps.equalize`: spreads the values evenly. */
function equalizer(histogram: readonly number[]): (value: number) => number {
  const present = histogram.filter((count) => count > 0);
  const total = present.reduce((sum, count) => sum + count, 0);
  const step = Math.floor((total - (present.at(-1) as number)) / 255);
  if (present.length < 2 || step === 0) return (value) => value;
  let below = Math.floor(step / 2);
  const table = histogram.map((count) => {
    const value = Math.floor(below / step);
    below += count;
    return value;
  });
  return (value) => table[value] as number;
}
