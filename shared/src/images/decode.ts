/**
 * From an image file to its pixels, for both training and serving.
 *
 *     const decodeImage = createImageDecoder(programs);   // decode-node.ts has it for Node
 *     const { format, width, height, image } = await decodeImage(bytes, { size, limits });
 *
 * It throws only ImageError. Each format has a file that opens it (see OpenImage): it reads the header,
 * reports the memory that decoding would take, and decodes to RGB(X) over white, as stored.
 */
import { conversionBytes, convertToSrgb } from './colour/convert-to-srgb.ts';
import type { DecoderPrograms } from './decoder-programs.ts';
import type { Image, OpenImage } from './image.ts';
import { ImageError } from './image-error.ts';
import { type ImageFormat, openImage } from './open-image.ts';
import { orient } from './orient.ts';
import { reductionFor } from './reduce/reduction.ts';
import { maxMemoryBytes } from './served-limits.ts';

export interface DecodedImage {
  readonly format: ImageFormat;
  /** Upright, in pixels, before any reduction. */
  readonly width: number;
  readonly height: number;
  /** Upright, RGB(X), without transparency; a large image is reduced, see {@link reductionFor}. */
  readonly image: Image;
}

export interface DecodeOptions {
  /** Side of the network's input, in pixels; a large image is reduced, but to no less than twice that. */
  readonly size: number;
  readonly limits: DecodeLimits;
}

/** The limits for one image. */
export interface DecodeLimits {
  /** By the dimensions in its header; it bounds the decoding time. */
  readonly maxPixels: number;
  /** The most memory that decoding may take, computed from its header. */
  readonly maxDecodeBytes: number;
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF or GIF file, the first frame of an animated one. Transparent
 * pixels are laid over white.
 *
 * The memory that decoding would take is computed from the header, and refused before it is allocated.
 *
 * @throws ImageError only
 */
export type DecodeImage = (bytes: Uint8Array, options: DecodeOptions) => Promise<DecodedImage>;

/** Prepares the function that decodes images, for both training and serving. */
export function createImageDecoder(programs: DecoderPrograms): DecodeImage {
  return async (bytes, { size, limits }) => {
    const opened = await orBroken(() => openImage(bytes, programs));
    const { format, width, height, orientation } = opened;
    const reduction = reductionFor(width, height, size);
    refuseTooLarge(opened, reduction, limits);
    const decoded = await inTurn(bytesOf(opened, reduction), limits, () =>
      orBroken(async () => convertToSrgb(await opened.decode(reduction), opened, programs)),
    );
    const image = orient(decoded, orientation);
    const isTransposed = orientation >= 5;
    return {
      format,
      width: isTransposed ? height : width,
      height: isTransposed ? width : height,
      image,
    };
  };
}

/** Memory of all images being decoded, since others begin while a PNG waits for its rows. */
let decodingBytes = 0;

/** @throws ImageError `overloaded` where there is no memory for another image right now */
async function inTurn<T>(
  bytes: number,
  { maxDecodeBytes }: DecodeLimits,
  decode: () => Promise<T>,
): Promise<T> {
  if (decodingBytes + bytes > maxDecodeBytes) {
    throw new ImageError(
      'overloaded',
      'Too many large images are being decoded right now; try again in a second.',
    );
  }
  decodingBytes += bytes;
  try {
    return await decode();
  } finally {
    decodingBytes -= bytes;
  }
}

/** Only PNG allows longer sides, which are refused since a whole row is in memory. */
const maxSide = 65_535;

function bytesOf(image: OpenImage, reduction: number): number {
  return image.memoryBytes(reduction) + conversionBytes(image);
}

function refuseTooLarge(
  image: OpenImage,
  reduction: number,
  { maxPixels, maxDecodeBytes }: DecodeLimits,
): void {
  const { width, height } = image;
  const size = `The image has ${width} × ${height} pixels`;
  const reason =
    Math.max(width, height) > maxSide
      ? `${size}; a side may have at most ${maxSide}.`
      : width * height > maxPixels
        ? `${size}; at most ${maxPixels} pixels are allowed.`
        : bytesOf(image, reduction) > Math.min(maxDecodeBytes, maxMemoryBytes)
          ? `${size}, which need more memory to decode than is available; send a smaller one.`
          : undefined;
  if (reason) throw new ImageError('too_many_pixels', reason);
}

/**
 * Any failure of a decoder, a trap or an error code, means that the image is broken.
 *
 * @throws ImageError `broken_image`, or the decoder's own
 */
export async function orBroken<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw new ImageError(
      'broken_image',
      'The image is damaged or incomplete; send a file that other programs can open.',
      { cause },
    );
  }
}
