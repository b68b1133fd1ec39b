import type { Picture } from 'shared/images/preprocess';
import sharp, { type SharpOptions } from 'sharp';

// An epoch reads each photo once, so what libvips would keep of them is never asked for again.
sharp.cache(false);

const options: SharpOptions = { failOn: 'error', autoOrient: true };

/** In pixels. */
export interface PhotoSize {
  readonly width: number;
  readonly height: number;
}

/**
 * How large a picture is as it stands upright, by its header alone.
 *
 * @throws Error of libvips for a file that is no picture
 */
export async function readPhotoSize(file: Uint8Array | string): Promise<PhotoSize> {
  const { autoOrient } = await sharp(file, options).metadata();
  return autoOrient;
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF (its first frame) or TIFF file: upright by its EXIF
 * orientation, sRGB, transparency laid over white.
 *
 * @param file its bytes or its path
 * @param size side of the network's input. A picture whose shorter side is more than four times
 *   that is shrunk to twice that while it is decoded: the network will not see the difference, and
 *   a photo of 12 megapixels takes a fraction of the time and memory.
 * @param upright its size, where it is known: then the whole is one task of a thread of its own
 * @throws Error of libvips for a file that is damaged or no picture
 */
export async function decodePhoto(
  file: Uint8Array | string,
  size: number,
  upright?: PhotoSize,
): Promise<Picture> {
  const { width, height } = upright ?? (await readPhotoSize(file));
  const shorter = Math.min(width, height);
  let decoder = sharp(file, options).flatten({ background: '#fff' }).toColourspace('srgb');
  if (shorter > 4 * size) {
    const scale = (2 * size) / shorter;
    decoder = decoder.resize({
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      fit: 'fill',
      kernel: 'cubic',
    });
  }
  const { data, info } = await decoder
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`expected 3 channels, but got ${info.channels}`);
  return { width: info.width, height: info.height, channels: 3, data };
}
