import { openAvif } from './avif/avif.ts';
import { isAvif } from './avif/heif-brands.ts';
import { nameAt } from './bytes.ts';
import type { DecoderPrograms } from './decoder-programs.ts';
import { openGif } from './gif/gif.ts';
import type { OpenImage } from './image.ts';
import { ImageError } from './image-error.ts';
import { openJpeg } from './jpeg/jpeg.ts';
import { nameFormat } from './name-format.ts';
import { openPng } from './png/png.ts';
import { openWebp } from './webp/webp.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif';

/** Reads the header of a format. @returns undefined where it is not valid */
type Open = (
  bytes: Uint8Array,
  programs: DecoderPrograms,
) => OpenImage | undefined | Promise<OpenImage | undefined>;

const openers: Readonly<Record<ImageFormat, Open>> = {
  jpeg: openJpeg,
  png: openPng,
  webp: openWebp,
  avif: openAvif,
  gif: openGif,
};

/**
 * Recognizes the format by its magic bytes, whatever the content type says, and reads the header.
 *
 * @throws ImageError `unsupported_image` for another format, `broken_image` for a header that is cut off
 *   or not valid
 */
export async function openImage(
  bytes: Uint8Array,
  programs: DecoderPrograms,
): Promise<OpenImage & { readonly format: ImageFormat }> {
  const format = formatOf(bytes);
  if (!format) {
    const name = nameFormat(bytes);
    throw new ImageError(
      'unsupported_image',
      name
        ? `The file is ${name}; send a JPEG, PNG, WebP, AVIF or GIF.`
        : 'The file is not a JPEG, PNG, WebP, AVIF or GIF image; send one of these.',
    );
  }
  const image = await openers[format](bytes, programs);
  if (!image || image.width === 0 || image.height === 0) {
    throw new ImageError(
      'broken_image',
      'The image has no readable header with a width and a height; send a whole file.',
    );
  }
  return { format, ...image };
}

/** Recognizes the format by its magic bytes. */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  if (nameAt(bytes, 0) === 'RIFF' && nameAt(bytes, 8) === 'WEBP') return 'webp';
  if (isAvif(bytes)) return 'avif';
  if (nameAt(bytes, 0) === 'GIF8') return 'gif';
  return undefined;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
