import { nameAt, viewOf } from './bytes.ts';
import { readOrientation } from './exif.ts';

export interface WebpHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly frame: WebpFrame;
}

/** The picture, or the first one of an animated file. */
export interface WebpFrame {
  /** Its place on the canvas. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isLossless: boolean;
  /** A lossy picture's transparency stands in a chunk of its own. */
  readonly hasAlphaChunk: boolean;
  /** Its chunks, where they do not stand in the file as those of a still picture. */
  readonly chunks?: Uint8Array;
}

/** Lossy and lossless. */
const pictureChunks = ['VP8 ', 'VP8L'];

interface RiffChunk {
  readonly name: string;
  readonly data: Uint8Array;
}

/** @see RFC 9649, sections 2.3 to 2.7 */
export function readWebpHeader(file: Uint8Array): WebpHeader | undefined {
  const chunks = file.subarray(12);
  const [first] = walkRiff(chunks);
  const extended = first?.name === 'VP8X' ? first.data : undefined;
  if (!extended) {
    // libwebp takes a first chunk for the picture, whatever it is called.
    const frame = first && pictureChunks.includes(first.name) ? readFrame(chunks) : undefined;
    return frame && { width: frame.width, height: frame.height, orientation: 1, frame };
  }
  if (extended.length < 10) return undefined;
  const view = viewOf(extended);
  const isAnimated = (view.getUint8(0) & 0b10) !== 0;
  const frame = isAnimated ? readFirstAnimationFrame(chunks) : readFrame(chunks);
  if (!frame) return undefined;
  const exif = findChunk(chunks, 'EXIF')?.data ?? new Uint8Array(0);
  // Some programs leave JPEG's prefix in front.
  const tiff = nameAt(exif, 0) === 'Exif' ? exif.subarray(6) : exif;
  return {
    width: uint24(view, 4) + 1,
    height: uint24(view, 7) + 1,
    orientation: readOrientation(viewOf(tiff)),
    frame,
  };
}

function* walkRiff(bytes: Uint8Array): Generator<RiffChunk> {
  const view = viewOf(bytes);
  let at = 0;
  while (at + 8 <= bytes.length) {
    const end = at + 8 + view.getUint32(at + 4, true);
    yield { name: nameAt(bytes, at), data: bytes.subarray(at + 8, end) };
    // Chunks begin at even places.
    at = end + (end & 1);
  }
}

/** The first of any of these names. A hostile file may have millions of others. */
function findChunk(chunks: Uint8Array, ...names: string[]): RiffChunk | undefined {
  for (const chunk of walkRiff(chunks)) if (names.includes(chunk.name)) return chunk;
  return undefined;
}

/** @param chunks of a still picture, or of one frame */
function readFrame(chunks: Uint8Array): WebpFrame | undefined {
  const alpha = findChunk(chunks, 'ALPH');
  const picture = findChunk(chunks, ...pictureChunks);
  if (!picture || picture.data.length < 10) return undefined;
  const view = viewOf(picture.data);
  const isLossless = picture.name === 'VP8L';
  const bits = view.getUint32(1, true);
  return {
    x: 0,
    y: 0,
    width: isLossless ? (bits & 0x3fff) + 1 : view.getUint16(6, true) & 0x3fff,
    height: isLossless ? ((bits >>> 14) & 0x3fff) + 1 : view.getUint16(8, true) & 0x3fff,
    isLossless,
    hasAlphaChunk: alpha !== undefined && !isLossless,
  };
}

function readFirstAnimationFrame(all: Uint8Array): WebpFrame | undefined {
  const animation = findChunk(all, 'ANMF')?.data;
  if (!animation || animation.length < 16) return undefined;
  const view = viewOf(animation);
  const chunks = animation.subarray(16);
  const frame = readFrame(chunks);
  return frame && { ...frame, x: uint24(view, 0) * 2, y: uint24(view, 3) * 2, chunks };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
