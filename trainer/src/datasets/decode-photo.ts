import type { Picture } from 'shared/preprocess';
import sharp from 'sharp';

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF (its first frame) or TIFF file: upright by its EXIF
 * orientation, sRGB, transparency laid over white.
 *
 * @param size side of the network's input. A picture whose shorter side is more than four times
 *   that is shrunk to twice that while it is decoded: the network will not see the difference, and
 *   a photo of 12 megapixels takes a fraction of the time and memory.
 * @throws Error of libvips for a file that is damaged or no picture
 */
export async function decodePhoto(file: Uint8Array, size: number): Promise<Picture> {
  const options = { failOn: 'error', autoOrient: true } as const;
  const { autoOrient: upright } = await sharp(file, options).metadata();
  const shorter = Math.min(upright.width, upright.height);
  let decoder = sharp(file, options).flatten({ background: '#fff' }).toColourspace('srgb');
  if (shorter > 4 * size) {
    const scale = (2 * size) / shorter;
    decoder = decoder.resize({
      width: Math.round(upright.width * scale),
      height: Math.round(upright.height * scale),
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
