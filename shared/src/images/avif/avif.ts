import type { DecoderPrograms } from '../decoder-programs.ts';
import type { Image, OpenImage } from '../image.ts';
import { ImageError } from '../image-error.ts';
import { createPixelSink, sinkBytes } from '../reduce/pixel-sink.ts';
import { type AvifHeader, type CodedImage, readAvifHeader } from './avif-header.ts';
import {
  type Av1Frame,
  type Av1Header,
  type Dav1d,
  dav1dBytes,
  layouts,
  startDav1d,
} from './dav1d.ts';
import { greyWriter, rgbaWriter } from './yuv.ts';

/** Memory of all frames of the decoder. */
type FrameLimits = Pick<Av1Header, 'frameBytes' | 'frames'>;

/**
 * Opens an AVIF for dav1d: its primary image, in one piece or a grid, of 8, 10 or 12 bits, with film
 * grain. Each image has an instance of its own, so that its memory is freed afterwards.
 */
export async function openAvif(
  file: Uint8Array,
  programs: DecoderPrograms,
): Promise<OpenImage | undefined> {
  const header = readAvifHeader(file);
  if (!header) return undefined;
  const { width, height, orientation, colour, alpha } = header;
  const coded = alpha ? [colour, alpha] : [colour];
  const largest = Math.max(...coded.flatMap(({ tiles }) => tiles.map(({ length }) => length)));
  const dav1d = startDav1d(await programs.dav1d(), largest);
  const sequences = coded.map((image) => readSequence(dav1d, image));
  const work = coded.reduce((sum, image, i) => sum + workOf(image, sequences[i] as Av1Header), 0);
  if (work > maxWork) {
    throw new ImageError(
      'too_many_pixels',
      `The AVIF, ${width} × ${height} pixels, takes too long to decode; send a smaller one.`,
    );
  }
  const limits = {
    frameBytes: Math.max(...sequences.map(({ frameBytes }) => frameBytes)),
    frames: Math.max(...sequences.map(({ frames }) => frames)),
  };
  return {
    width,
    height,
    orientation,
    components: sequences[0]?.layout === layouts.grey ? 1 : 3,
    hasAlpha: alpha !== undefined,
    profile: header.profile,
    memoryBytes(reduction) {
      const alphaBytes = alpha ? alpha.width * alpha.height : 0;
      return (
        largest +
        dav1dBytes(colour.tileWidth * colour.tileHeight) +
        limits.frameBytes * limits.frames +
        alphaBytes +
        sinkBytes(width, height, reduction)
      );
    },
    decode: (reduction) => decodeAvif(dav1d, programs, header, limits, reduction),
  };
}

/** Enough for a photo of 48 megapixels, 4:2:0, of 6 MB. */
const maxWork = 2.5e9;

/** Nanoseconds of CPU time, measured with noise as pixels on the 2-core machine under other load. */
const workPer = { tile: 50_000, byte: 85, sample: 27 };

function workOf(
  { tiles, tileWidth, tileHeight }: CodedImage,
  { layout, depth }: Av1Header,
): number {
  const perPixel = samplesPerPixel[layout] ?? 3;
  const samples = tiles.length * tileWidth * tileHeight * perPixel * (depth > 8 ? 1.3 : 1);
  const bytes = tiles.reduce((sum, { length }) => sum + length, 0);
  return tiles.length * workPer.tile + bytes * workPer.byte + samples * workPer.sample;
}

/** Indexed by the values of {@link layouts}. */
const samplesPerPixel = [1, 1.5, 2, 3];

/** @throws Error where the coded image has another size than the container says */
function readSequence(dav1d: Dav1d, { tiles, tileWidth, tileHeight }: CodedImage): Av1Header {
  const sequence = dav1d.readHeader(tiles[0] ?? new Uint8Array(0));
  if (sequence.width !== tileWidth || sequence.height !== tileHeight) {
    throw new Error(
      `A tile has ${sequence.width} × ${sequence.height} pixels, not ${tileWidth} × ${tileHeight}.`,
    );
  }
  return sequence;
}

/** @throws Error for data that dav1d refuses */
async function decodeAvif(
  dav1d: Dav1d,
  programs: DecoderPrograms,
  header: AvifHeader,
  limits: FrameLimits,
  reduction: number,
): Promise<Image> {
  const { width, height, left, top, colour, alpha, isPremultiplied, nclx } = header;
  const alphaPlane = alpha && decodeAlpha(dav1d, alpha, limits);
  const sink = await createPixelSink(programs, width, height, reduction);
  for (const { frame, x, y } of decodeTiles(dav1d, colour, limits)) {
    const writeRow = rgbaWriter(frame, nclx ?? frame, reduction === 1);
    const rgba = new Uint8ClampedArray(frame.width * 4).fill(255);
    // Tiles may extend beyond the image, and the image may be cropped.
    const first = Math.max(left - x, 0);
    const last = Math.min(left + width - x, frame.width);
    if (first >= last) continue;
    const visible = new Uint8Array(rgba.buffer, first * 4, (last - first) * 4);
    for (let row = 0; row < frame.height; row++) {
      const toRow = y + row - top;
      if (toRow < 0 || toRow >= height) continue;
      writeRow(row, rgba);
      if (alphaPlane) {
        const from = (y + row) * colour.width + x + first;
        setAlpha(visible, alphaPlane.subarray(from, from + last - first), isPremultiplied);
      }
      sink.add(visible, toRow, x + first - left);
    }
  }
  return sink.finish();
}

/**
 * Decodes the tiles one after the other; each frame is valid until the next one.
 *
 * @returns each frame with its position in the coded image, in pixels
 */
function* decodeTiles(
  dav1d: Dav1d,
  { columns, tileWidth, tileHeight, tiles }: CodedImage,
  limits: FrameLimits,
): Generator<{ readonly frame: Av1Frame; readonly x: number; readonly y: number }> {
  for (const [i, tile] of tiles.entries()) {
    const frame = dav1d.decode(tile, limits);
    if (frame.width !== tileWidth || frame.height !== tileHeight) {
      throw new Error(`Tile ${i} has another size than the first one.`);
    }
    yield { frame, x: (i % columns) * tileWidth, y: Math.floor(i / columns) * tileHeight };
  }
}

/** @returns one byte per pixel, row by row, 255 for opaque */
function decodeAlpha(dav1d: Dav1d, alpha: CodedImage, limits: FrameLimits): Uint8ClampedArray {
  const { width, height } = alpha;
  const plane = new Uint8ClampedArray(width * height);
  for (const { frame, x, y } of decodeTiles(dav1d, alpha, limits)) {
    const writeRow = greyWriter(frame, frame.isFullRange, 1);
    const tileRow = new Uint8ClampedArray(frame.width);
    const visible = tileRow.subarray(0, width - x);
    for (let row = 0; row < Math.min(frame.height, height - y); row++) {
      writeRow(row, tileRow);
      plane.set(visible, (y + row) * width + x);
    }
  }
  return plane;
}

/** @param isPremultiplied whether the colours must be divided by alpha */
function setAlpha(rgba: Uint8Array, alphas: Uint8ClampedArray, isPremultiplied: boolean): void {
  for (let x = 0, at = 0; x < alphas.length; x++, at += 4) {
    const alpha = alphas[x] as number;
    rgba[at + 3] = alpha;
    if (!isPremultiplied || alpha === 0 || alpha === 255) continue;
    for (let channel = at; channel < at + 3; channel++) {
      rgba[channel] = Math.min(255, Math.round(((rgba[channel] as number) * 255) / alpha));
    }
  }
}
