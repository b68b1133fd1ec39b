import type { Picture } from 'shared/preprocess';
import { decodeJpeg } from './decode-jpeg.ts';
import { decodePng } from './decode-png.ts';
import { decodeWebp } from './decode-webp.ts';
import type { Limits } from './limits.ts';
import { orient } from './orient.ts';
import { type PictureFormat, readPictureHeader } from './picture-header.ts';
import { ProblemError } from './problem.ts';

export interface Photo {
  readonly format: PictureFormat;
  /** Upright, without transparency. */
  readonly picture: Picture;
}

const decoders = { jpeg: decodeJpeg, png: decodePng, webp: decodeWebp };

/**
 * Decodes a JPEG, PNG or WebP file. Transparent pixels are laid over white.
 *
 * @throws ProblemError `unsupported_picture`, `broken_picture`, `too_many_pixels`
 */
export function decode(bytes: Uint8Array, limits: Pick<Limits, 'maxPixels'>): Photo {
  const header = readPictureHeader(bytes);
  const { format, width, height, orientation } = header;
  const maxPixels = limits.maxPixels[format];
  if (width * height > maxPixels) {
    throw new ProblemError(
      'too_many_pixels',
      `The picture has ${width} × ${height} pixels; at most ${maxPixels} in all are taken as ${format}.`,
    );
  }
  return {
    format,
    picture: orient(
      tryDecode(() => decoders[format](bytes, header)),
      orientation,
    ),
  };
}

/** Whatever a decoder stumbles over, a trap or an error code, is the picture's fault. */
function tryDecode(run: () => Picture): Picture {
  try {
    return run();
  } catch (cause) {
    throw new ProblemError(
      'broken_picture',
      'The picture is damaged or incomplete; send a file that opens elsewhere.',
      { cause },
    );
  }
}
