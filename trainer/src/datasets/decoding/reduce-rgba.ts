import { decoderPrograms } from 'shared/images/decode-node';
import type { Image } from 'shared/images/image';
import { createPixelSink } from 'shared/images/reduce/pixel-sink';
import { reductionFor } from 'shared/images/reduce/reduction';

/** Decoded pixels, with alpha, in memory as a whole. */
export interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Bytes from a row to the next. */
  readonly stride: number;
}

/**
 * Lays an image over white, and reduces it by the rule of all formats.
 *
 * @param size side of the network's input, in pixels
 */
export async function reduceRgba(
  { width, height, data, stride }: Rgba,
  size: number,
): Promise<Image> {
  const reduction = reductionFor(width, height, size);
  const sink = await createPixelSink(decoderPrograms, width, height, reduction);
  for (let y = 0; y < height; y++) {
    sink.add(data.subarray(y * stride, y * stride + width * 4), y);
  }
  return sink.finish();
}
