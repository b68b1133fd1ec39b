import { viewOf } from './bytes.ts';
import type { PngColour, PngHeader } from './png-header.ts';

const samplesPerPixel: Readonly<Record<PngColour, number>> = {
  grey: 1,
  rgb: 3,
  indexed: 1,
  'grey-alpha': 2,
  rgba: 4,
};

export function bitsPerPixel({ colour, depth }: PngHeader): number {
  return samplesPerPixel[colour] * depth;
}

/** Turns a row without its filter into RGBA: as many pixels as `rgba` has room for. */
export type ReadPngPixels = (row: Uint8Array, rgba: Uint8Array) => void;

/** Samples of 16 bits lose the lower eight, as with libpng's `png_set_strip_16`. */
export function createPngPixelReader(header: PngHeader): ReadPngPixels {
  const { colour, depth } = header;
  if (colour === 'indexed') return lookUp(depth, paletteColours(header));
  if (colour === 'grey' && depth <= 8) return lookUp(depth, greyColours(header));
  return readSamples(header);
}

/** Samples of at most 8 bits, each of which stands for a colour. */
function lookUp(depth: number, colours: Uint8Array): ReadPngPixels {
  const mask = (1 << depth) - 1;
  return (row, rgba) => {
    let bit = 0;
    for (let to = 0; to < rgba.length; to += 4, bit += depth) {
      const sample = ((row[bit >> 3] as number) >> (8 - depth - (bit & 7))) & mask;
      const from = sample * 4;
      rgba[to] = colours[from] as number;
      rgba[to + 1] = colours[from + 1] as number;
      rgba[to + 2] = colours[from + 2] as number;
      rgba[to + 3] = colours[from + 3] as number;
    }
  };
}

/** @returns RGBA; opaque black for an index that the palette has not */
function paletteColours({ palette, transparency }: PngHeader): Uint8Array {
  const colours = new Uint8Array(256 * 4);
  for (let index = 0; index < 256; index++) {
    colours.set(palette.subarray(index * 3, index * 3 + 3), index * 4);
    colours[index * 4 + 3] = transparency[index] ?? 255;
  }
  return colours;
}

function greyColours({ depth, transparency }: PngHeader): Uint8Array {
  const transparent = transparency.length >= 2 ? viewOf(transparency).getUint16(0) : -1;
  const colours = new Uint8Array(256 * 4);
  for (let sample = 0; sample < 1 << depth; sample++) {
    const grey = Math.round((sample * 255) / ((1 << depth) - 1));
    colours.set([grey, grey, grey, sample === transparent ? 0 : 255], sample * 4);
  }
  return colours;
}

/** Samples of one or two bytes, the first of which is kept. */
function readSamples(header: PngHeader): ReadPngPixels {
  const { colour, depth } = header;
  const bytes = depth >> 3;
  const stride = bitsPerPixel(header) >> 3;
  const isGrey = colour === 'grey' || colour === 'grey-alpha';
  const greenAt = isGrey ? 0 : bytes;
  const blueAt = isGrey ? 0 : bytes * 2;
  const hasAlpha = colour === 'rgba' || colour === 'grey-alpha';
  const alphaAt = stride - bytes;
  const isTransparent = hasAlpha ? undefined : matchTransparent(header, stride);
  return (row, rgba) => {
    for (let at = 0, to = 0; to < rgba.length; at += stride, to += 4) {
      rgba[to] = row[at] as number;
      rgba[to + 1] = row[at + greenAt] as number;
      rgba[to + 2] = row[at + blueAt] as number;
      rgba[to + 3] = hasAlpha ? (row[at + alphaAt] as number) : 255;
      if (isTransparent?.(row, at)) rgba[to + 3] = 0;
    }
  };
}

/** @returns whether a pixel has the one transparent colour, if the picture has one */
function matchTransparent(
  { depth, transparency }: PngHeader,
  stride: number,
): ((row: Uint8Array, at: number) => boolean) | undefined {
  // It has two bytes a sample, of which a depth of 8 uses the second.
  const key = depth === 16 ? transparency : transparency.filter((_, i) => i % 2 === 1);
  if (key.length < stride) return undefined;
  return (row, at) => {
    for (let i = 0; i < stride; i++) if (row[at + i] !== key[i]) return false;
    return true;
  };
}
