import type { Picture } from 'shared/preprocess';
import type { Limits } from '../limits.ts';
import { overloaded, ProblemError } from '../problem.ts';
import { isHeic } from './heif-brands.ts';
import { formatOf, type OpenPicture, openPicture, type PictureFormat } from './open-picture.ts';
import { orient } from './orient.ts';
import { reductionFor } from './reduce.ts';
import { shrinkWithImages } from './shrink-with-images.ts';

export interface Photo {
  readonly format: PictureFormat | 'heic';
  /** Upright, in pixels, before any reduction. */
  readonly width: number;
  readonly height: number;
  /** Upright, without transparency; a large one comes reduced, see {@link reductionFor}. */
  readonly picture: Picture;
}

/** What one picture may take. */
type DecodeLimits = Pick<Limits, 'maxPixels' | 'maxDecodeBytes'>;

/**
 * Decodes a JPEG, PNG, WebP, AVIF or GIF file, the first frame of an animated one. Transparent
 * pixels are laid over white.
 *
 * What decoding would take is computed from the header, and refused before it is allocated.
 *
 * @param size side of the network's input, in pixels: no more than twice that is kept
 * @param images makes what would be refused smaller, and reads HEIC
 * @throws ProblemError `unsupported_picture`, `broken_picture`, `too_many_pixels`, `overloaded`
 */
export async function decode(
  bytes: Uint8Array,
  limits: DecodeLimits,
  size: number,
  images?: ImagesBinding,
): Promise<Photo> {
  try {
    return await decodeHere(bytes, limits, size);
  } catch (problem) {
    if (!images || !isForImages(problem, bytes)) throw problem;
    // Where Images cannot help either, the reason to ask it is the better one to give.
    return decodeThere(bytes, limits, size, images).catch(() => Promise.reject(problem));
  }
}

function isForImages(problem: unknown, bytes: Uint8Array): boolean {
  if (!(problem instanceof ProblemError)) return false;
  return problem.code === 'too_many_pixels' || (!formatOf(bytes) && isHeic(bytes));
}

async function decodeThere(
  bytes: Uint8Array,
  limits: DecodeLimits,
  size: number,
  images: ImagesBinding,
): Promise<Photo> {
  const { png, ...before } = await shrinkWithImages(images, bytes, size);
  const { picture } = await decodeHere(png, limits, size);
  // Images does not say whether its width and height are those of the upright picture.
  const isTurned = picture.width < picture.height !== before.width < before.height;
  return {
    format: formatOf(bytes) ?? 'heic',
    width: isTurned ? before.height : before.width,
    height: isTurned ? before.width : before.height,
    picture,
  };
}

async function decodeHere(bytes: Uint8Array, limits: DecodeLimits, size: number): Promise<Photo> {
  const opened = await orBroken(() => openPicture(bytes));
  const { format, width, height, orientation } = opened;
  const reduction = reductionFor(width, height, size);
  refuseTooLarge(opened, reduction, limits);
  const decoded = await inTurn(opened.memoryBytes(reduction), limits, () =>
    orBroken(() => opened.decode(reduction)),
  );
  const picture = orient(decoded, orientation);
  const isTransposed = orientation >= 5;
  return {
    format,
    width: isTransposed ? height : width,
    height: isTransposed ? width : height,
    picture,
  };
}

/** Of all pictures that are being decoded: while a PNG waits for its rows, others begin. */
let decodingBytes = 0;

/** @throws ProblemError `overloaded` where there is no room for one more picture at this moment */
async function inTurn<T>(
  bytes: number,
  { maxDecodeBytes }: DecodeLimits,
  decode: () => Promise<T>,
): Promise<T> {
  if (decodingBytes + bytes > maxDecodeBytes) {
    throw overloaded('Too many large pictures are being decoded');
  }
  decodingBytes += bytes;
  try {
    return await decode();
  } finally {
    decodingBytes -= bytes;
  }
}

/** No format but PNG goes beyond it, and none needs to: a row is held as a whole. */
const maxSide = 65_535;

function refuseTooLarge(
  picture: OpenPicture,
  reduction: number,
  { maxPixels, maxDecodeBytes }: DecodeLimits,
): void {
  const { width, height } = picture;
  const isOversized = width * height > maxPixels || Math.max(width, height) > maxSide;
  if (!isOversized && picture.memoryBytes(reduction) <= maxDecodeBytes) return;
  throw new ProblemError(
    'too_many_pixels',
    isOversized
      ? `The picture has ${width} × ${height} pixels; at most ${maxPixels} in all are taken.`
      : `The picture, ${width} × ${height} pixels, takes more memory to decode than there is; send a smaller one.`,
  );
}

/** Whatever a decoder stumbles over, a trap or an error code, is the picture's fault. */
async function orBroken<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof ProblemError) throw cause;
    throw new ProblemError(
      'broken_picture',
      'The picture is damaged or incomplete; send a file that opens elsewhere.',
      { cause },
    );
  }
}
