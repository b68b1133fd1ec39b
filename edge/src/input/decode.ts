import { isHeic } from 'shared/images/avif/heif-brands';
import { createImageDecoder, type DecodedImage, type DecodeLimits } from 'shared/images/decode';
import { ImageError } from 'shared/images/image-error';
import { formatOf } from 'shared/images/open-image';
import { decoderPrograms } from './decoder-programs.ts';
import { shrinkWithImages } from './shrink-with-images.ts';

export interface Photo extends Omit<DecodedImage, 'format'> {
  readonly format: DecodedImage['format'] | 'heic';
}

/** The function of {@link createImageDecoder} in the Worker. */
const decodeImage = createImageDecoder(decoderPrograms);

/**
 * Decodes an image file as training does.
 *
 * @param size side of the network's input, in pixels
 * @param images reduces images that would be refused, and reads HEIC
 * @throws ImageError
 */
export async function decode(
  bytes: Uint8Array,
  limits: DecodeLimits,
  size: number,
  images?: ImagesBinding,
): Promise<Photo> {
  try {
    return await decodeImage(bytes, { size, limits });
  } catch (error) {
    if (!images || !isForImages(error, bytes)) throw error;
    // Where Images fails too, the first error is the more useful one.
    return decodeThere(bytes, limits, size, images).catch(() => Promise.reject(error));
  }
}

function isForImages(error: unknown, bytes: Uint8Array): boolean {
  if (!(error instanceof ImageError)) return false;
  return error.code === 'too_many_pixels' || (!formatOf(bytes) && isHeic(bytes));
}

async function decodeThere(
  bytes: Uint8Array,
  limits: DecodeLimits,
  size: number,
  images: ImagesBinding,
): Promise<Photo> {
  const { png, ...before } = await shrinkWithImages(images, bytes, size);
  const { image } = await decodeImage(png, { size, limits });
  // Images does not say whether its width and height are those of the upright image.
  const isTurned = image.width < image.height !== before.width < before.height;
  return {
    format: formatOf(bytes) ?? 'heic',
    width: isTurned ? before.height : before.width,
    height: isTurned ? before.width : before.height,
    image,
  };
}
