import { readJpegHeader } from './jpeg-header.ts';
import { ProblemError } from './problem.ts';

export type PictureFormat = 'jpeg' | 'png' | 'webp';

/** What a picture file says of itself before it is decoded. */
export interface PictureHeader {
  readonly format: PictureFormat;
  /** In pixels, as stored: before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** How to turn the stored picture, 1–8 as in EXIF; 1 leaves it as it is. */
  readonly orientation: number;
  /** Four for a CMYK JPEG. Not read from the other formats, whose decoders always give RGBA. */
  readonly components?: number;
}

/**
 * Tells the format by its magic bytes, whatever the content type said, and reads the dimensions.
 *
 * @throws ProblemError `unsupported_picture` for another format, `broken_picture` for a header
 *   that is cut off or makes no sense
 */
export function readPictureHeader(bytes: Uint8Array): PictureHeader {
  const header = readHeader(bytes);
  if (!header || header.width === 0 || header.height === 0) {
    throw new ProblemError(
      'broken_picture',
      'The picture has no readable header with a width and a height; send a whole file.',
    );
  }
  return header;
}

function readHeader(bytes: Uint8Array): PictureHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) {
    const header = readJpegHeader(view);
    return header && { format: 'jpeg', ...header };
  }
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) {
    return readPngHeader(view);
  }
  if (chunkName(view, 0) === 'RIFF' && chunkName(view, 8) === 'WEBP') return readWebpHeader(view);
  throw new ProblemError(
    'unsupported_picture',
    'The file is not a JPEG, PNG or WebP picture; the url must lead to one.',
  );
}

/** @see PNG specification, 11.2.1: IHDR comes first */
function readPngHeader(view: DataView): PictureHeader | undefined {
  if (chunkName(view, 12) !== 'IHDR' || view.byteLength < 33) return undefined;
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20), orientation: 1 };
}

/** @see RFC 9649, sections 2.5 to 2.7 */
function readWebpHeader(view: DataView): PictureHeader | undefined {
  if (view.byteLength < 30) return undefined;
  const sized = (width: number, height: number): PictureHeader => ({
    format: 'webp',
    width,
    height,
    orientation: 1,
  });
  switch (chunkName(view, 12)) {
    case 'VP8 ':
      return sized(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return sized((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
    }
    case 'VP8X':
      if (view.getUint8(20) & 0b10) {
        throw new ProblemError(
          'unsupported_picture',
          'The WebP picture is animated; send a still one.',
        );
      }
      return sized(uint24(view, 24) + 1, uint24(view, 27) + 1);
    default:
      return undefined;
  }
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function chunkName(view: DataView, at: number): string {
  if (view.byteLength < at + 4) return '';
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
