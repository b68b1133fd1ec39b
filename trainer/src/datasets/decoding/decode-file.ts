import { isHeic } from 'shared/images/avif/heif-brands';
import { type DecodeLimits, orBroken } from 'shared/images/decode';
import { decodeImage } from 'shared/images/decode-node';
import type { Image } from 'shared/images/image';
import { ImageError } from 'shared/images/image-error';
import { servedLimits } from 'shared/images/served-limits';
import { reduceRgba } from './reduce-rgba.ts';

/** An image as training and serving see it. */
export interface FileImage {
  /** Upright, RGB, without transparency; a large one comes reduced: see `reductionFor`. */
  readonly image: Image;
  /** Upright, in pixels, before any reduction. */
  readonly width: number;
  readonly height: number;
  /** Why the Worker refuses the file, in its own words; null where it accepts it. */
  readonly unserved: string | null;
}

/**
 * Limits of the trainer, wider than the Worker's: a scan or a camera's image is good to learn from,
 * even if it is too large for an isolate. The decoders have limits of their own as well.
 */
const ownLimits = { maxPixels: 250_000_000, maxDecodeBytes: 1024 ** 3 };

/**
 * Decodes an image file with the decoders and the reduction of serving. Files that only the
 * Worker's limits refuse are decoded nevertheless, and so are HEIC, TIFF and the other formats that only
 * libheif and sharp read.
 *
 * @param size side of the network's input, in pixels
 * @throws ImageError as the Worker does
 */
export async function decodeFile(file: Uint8Array, size: number): Promise<FileImage> {
  const { maxFileBytes, ...limits } = servedLimits;
  try {
    const image = await decodeWithin(limits, file, size);
    const unserved =
      file.length > maxFileBytes
        ? `The image file must have at most ${maxFileBytes} bytes; send a smaller one.`
        : null;
    return { ...image, unserved };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    const image = await decodeUnserved(file, size, error);
    if (!image) throw error;
    return { ...image, unserved: error.message };
  }
}

/** @returns undefined for a file that the trainer cannot read either */
function decodeUnserved(
  file: Uint8Array,
  size: number,
  { code }: ImageError,
): Promise<Omit<FileImage, 'unserved'> | undefined> {
  const nothing = () => undefined;
  switch (code) {
    case 'too_many_pixels':
      return decodeWithin(ownLimits, file, size).catch(nothing);
    case 'unsupported_image':
      return isHeic(file)
        ? decodeWithLibheif(file, size)
        : decodeWithSharp(file, size).catch(nothing);
    default:
      return Promise.resolve(undefined);
  }
}

async function decodeWithin(
  limits: DecodeLimits,
  file: Uint8Array,
  size: number,
): Promise<Omit<FileImage, 'unserved'>> {
  const { image, width, height } = await decodeImage(file, { size, limits });
  return { image: toRgb(image), width, height };
}

async function decodeWithLibheif(
  file: Uint8Array,
  size: number,
): Promise<Omit<FileImage, 'unserved'>> {
  const { decodeHeic } = await import('./decode-heic.ts');
  const { image, ...sides } = await orBroken(() => decodeHeic(file, size, ownLimits.maxPixels));
  return { image: toRgb(image), ...sides };
}

/** Upright by its EXIF orientation, in sRGB, over white, and reduced by the same rule. */
async function decodeWithSharp(
  file: Uint8Array,
  size: number,
): Promise<Omit<FileImage, 'unserved'> | undefined> {
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  const decoder = sharp(file, {
    failOn: 'error',
    autoOrient: true,
    limitInputPixels: ownLimits.maxPixels,
  });
  // Vector drawings are not photos, and have no pixels of their own.
  if ((await decoder.metadata()).format === 'svg') return undefined;
  const { data, info } = await decoder
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const image = await reduceRgba({ width, height, data, stride: width * 4 }, size);
  return { image: toRgb(image), width, height };
}

/** Copies the image into memory of its own, which can be transferred to another thread. */
function toRgb({ width, height, channels, data }: Image): Image {
  const rgb = new Uint8Array(width * height * 3);
  let [from, to] = [0, 0];
  if (channels === 4 && data.byteOffset % 4 === 0) {
    // Four pixels at a time, as words of 32 bits.
    const pixels = new Uint32Array(data.buffer, data.byteOffset, width * height);
    const words = new Uint32Array(rgb.buffer, 0, rgb.length >> 2);
    let word = 0;
    for (let pixel = 0; pixel + 4 <= pixels.length; pixel += 4, word += 3) {
      const second = pixels[pixel + 1] as number;
      const third = pixels[pixel + 2] as number;
      words[word] = ((pixels[pixel] as number) & 0xffffff) | (second << 24);
      words[word + 1] = ((second >>> 8) & 0xffff) | (third << 16);
      words[word + 2] = ((third >>> 16) & 0xff) | ((pixels[pixel + 3] as number) << 8);
    }
    to = word * 4;
    from = (to / 3) * 4;
  }
  for (; to < rgb.length; to += 3, from += channels) {
    rgb[to] = data[from] as number;
    rgb[to + 1] = data[from + 1] as number;
    rgb[to + 2] = data[from + 2] as number;
  }
  return { width, height, channels: 3, data: rgb };
}
