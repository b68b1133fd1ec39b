import type { Image } from 'shared/images/image';
import { createRandom, type Random, shuffle } from '../config/random.ts';
import type { ImageSet } from '../datasets/dataset.ts';
import type { Part } from '../datasets/split.ts';

/** Side of what is drawn, in pixels. */
const SIDE = 128;
/** Tiles on a side of an image that is cut up. */
const TILES = 4;

/**
 * Images that show nothing, to measure whether a model says so: noise, gradients, stripes, and images of
 * the data set cut into tiles and shuffled. Always the same ones.
 *
 * @param source of the images that are cut up
 */
export function generateImages(source: Part, count: number): ImageSet {
  const kinds = [noise, gradient, stripes];
  return {
    length: count,
    label: () => 0,
    async image(index, size) {
      const random = createRandom(index + 1);
      const kind = kinds[index % (kinds.length + 1)];
      if (kind) return draw(kind(random));
      const place = source.indices[random.below(source.indices.length)] as number;
      return shuffleTiles(await source.set.image(place, size), random);
    },
  };
}

/** The value of a channel at a pixel, 0–255. */
type Drawing = (x: number, y: number, channel: number) => number;

function draw(valueAt: Drawing): Image {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = valueAt(pixel % SIDE, Math.floor(pixel / SIDE), i % 3);
  }
  return { width: SIDE, height: SIDE, channels: 3, data };
}

function noise(random: Random): Drawing {
  return () => 255 * random.float();
}

function gradient(random: Random): Drawing {
  const colours = [0, 1, 2].map(() => [255 * random.float(), 255 * random.float()] as const);
  const angle = 2 * Math.PI * random.float();
  const [right, down] = [Math.cos(angle), Math.sin(angle)];
  return (x, y, channel) => {
    const [from, to] = colours[channel] as readonly [number, number];
    const along = 0.5 + ((x / SIDE - 0.5) * right + (y / SIDE - 0.5) * down) / Math.SQRT2;
    return from + (to - from) * along;
  };
}

function stripes(random: Random): Drawing {
  const colours = [0, 1, 2].map(() => [255 * random.float(), 255 * random.float()] as const);
  const width = 2 + 14 * random.float();
  const isCrossed = random.float() < 0.5;
  return (x, y, channel) => {
    const row = isCrossed ? Math.floor(y / width) : 0;
    return (colours[channel] as readonly [number, number])[
      (Math.floor(x / width) + row) % 2
    ] as number;
  };
}

function shuffleTiles({ width, height, channels, data }: Image, random: Random): Image {
  const [tileWidth, tileHeight] = [Math.floor(width / TILES), Math.floor(height / TILES)];
  const order = shuffle(Array(TILES * TILES).keys(), random);
  const side = { width: tileWidth * TILES, height: tileHeight * TILES };
  const tiles = new Uint8Array(side.width * side.height * channels);
  for (let y = 0; y < side.height; y++) {
    for (let column = 0; column < TILES; column++) {
      const from = order[Math.floor(y / tileHeight) * TILES + column] as number;
      const fromX = (from % TILES) * tileWidth;
      const fromY = Math.floor(from / TILES) * tileHeight + (y % tileHeight);
      const begin = (fromY * width + fromX) * channels;
      const line = data.subarray(begin, begin + tileWidth * channels);
      tiles.set(line, (y * side.width + column * tileWidth) * channels);
    }
  }
  return { ...side, channels, data: tiles };
}
