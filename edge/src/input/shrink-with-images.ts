import { reductionFor } from 'shared/images/reduce';

/** An image that Cloudflare Images has made smaller. */
export interface Shrunk {
  /** Before, in pixels; whether upright, Images does not say. */
  readonly width: number;
  readonly height: number;
  /** Upright. */
  readonly png: Uint8Array;
}

/**
 * Has Cloudflare Images make an image smaller, by as much as {@link reductionFor} says.
 *
 * @param size side of the network's input, in pixels
 * @throws Error where Images refuses the file, or the account has no more transformations
 * @see https://developers.cloudflare.com/images/transform-images/bindings/
 */
export async function shrinkWithImages(
  images: ImagesBinding,
  file: Uint8Array,
  size: number,
): Promise<Shrunk> {
  const info = await images.info(streamOf(file));
  if (!('width' in info)) throw new Error('Images takes it for a drawing, which has no pixels.');
  const { width, height } = info;
  // A square, for Images turns the image upright.
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
