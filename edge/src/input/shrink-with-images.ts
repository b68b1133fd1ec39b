import { reductionFor } from 'shared/images/reduce/reduction';

/** An image that Cloudflare Images has reduced. */
export interface Shrunk {
  /** Before the reduction, in pixels; Images does not say whether of the upright image. */
  readonly width: number;
  readonly height: number;
  /** Upright. */
  readonly png: Uint8Array;
}

/**
 * Reduces an image with Cloudflare Images, by the factor of {@link reductionFor}.
 *
 * @param size side of the network's input, in pixels
 * @throws Error where Images refuses the file, or the account has no transformations left
 * @see https://developers.cloudflare.com/images/transform-images/bindings/
 */
export async function shrinkWithImages(
  images: ImagesBinding,
  file: Uint8Array,
  size: number,
): Promise<Shrunk> {
  const info = await images.info(streamOf(file));
  if (!('width' in info))
    throw new Error('Images treats the file as a vector drawing, which has no pixels.');
  const { width, height } = info;
  // A square, since Images turns the image upright, which may swap its sides.
  const side = Math.ceil(Math.max(width, height) / reductionFor(width, height, size));
  const result = await images
    .input(streamOf(file))
    .transform({ width: side, height: side, fit: 'scale-down' })
    .output({ format: 'image/png' });
  const png = new Uint8Array(await result.response().arrayBuffer());
  return { width, height, png };
}

function streamOf(file: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([file]).stream();
}
