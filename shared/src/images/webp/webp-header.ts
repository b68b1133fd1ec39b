import { nameAt, viewOf } from '../bytes.ts';
import { readOrientation } from '../exif.ts';

export interface WebpHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly frame: WebpFrame;
  readonly profile?: Uint8Array | undefined;
}

/** The image, or the first one of an animated file. */
export interface WebpFrame {
  /** Its position on the canvas. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isLossless: boolean;
  /** VP8 or VP8L data. */
  readonly data: Uint8Array;
  /** The transparency of a lossy image, which is a chunk of its own. */
  readonly alpha: Uint8Array | undefined;
}

/** Lossy and lossless. */
const imageChunks = ['VP8 ', 'VP8L'];

/** @see RFC 9649, sections 2.3 to 2.7 */
export function readWebpHeader(file: Uint8Array): WebpHeader | undefined {
  const chunks = file.subarray(12);
  const first = nameAt(chunks, 0);
  const found = readChunks(chunks);
  const extended = first === 'VP8X' ? found.get('VP8X') : undefined;
  if (!extended) {
    // libwebp treats the first chunk as the image, whatever its name.
    const frame = imageChunks.includes(first) ? readFrame(found) : undefined;
    // Without this header, there is no transparency.
    const opaque = frame && { ...frame, alpha: undefined };
    return opaque && { width: opaque.width, height: opaque.height, orientation: 1, frame: opaque };
  }
  if (extended.length < 10) return undefined;
  const view = viewOf(extended);
  const has = (flag: number): boolean => (view.getUint8(0) & flag) !== 0;
  const isAnimated = has(0b10);
  const [width, height] = [uint24(view, 4) + 1, uint24(view, 7) + 1];
  const anyFrame = isAnimated ? readFirstAnimationFrame(found.get('ANMF')) : readFrame(found);
  if (!anyFrame) return undefined;
  // What the flags do not announce is ignored, as in libwebp and thus in browsers and Pillow.
  const frame = { ...anyFrame, alpha: has(0b10000) ? anyFrame.alpha : undefined };
  if (!isAnimated && (frame.width !== width || frame.height !== height)) return undefined;
  const announced = (flag: number, name: string): Uint8Array | undefined =>
    has(flag) ? found.get(name) : undefined;
  const exif = announced(0b1000, 'EXIF') ?? new Uint8Array(0);
  // Some programs leave the prefix of JPEG before it.
  const tiff = nameAt(exif, 0) === 'Exif' ? exif.subarray(6) : exif;
  const profile = announced(0b100000, 'ICCP');
  return { width, height, orientation: readOrientation(viewOf(tiff)), frame, profile };
}

/** The chunks that are read, by their names as little-endian numbers, since a hostile file has millions. */
const readNames = new Map(
  ['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANMF', 'EXIF', 'ICCP'].map((name) => [
    viewOf(new TextEncoder().encode(name)).getUint32(0, true),
    name,
  ]),
);

/** @returns the first complete chunk of each name */
function readChunks(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const view = viewOf(bytes);
  const found = new Map<string, Uint8Array>();
  let at = 0;
  while (at + 8 <= bytes.length) {
    const name = readNames.get(view.getUint32(at, true));
    const start = at + 8;
    const end = start + view.getUint32(at + 4, true);
    if (name && end <= bytes.length && !found.has(name))
      found.set(name, bytes.subarray(start, end));
    // Chunks begin at even offsets.
    at = end + (end & 1);
  }
  return found;
}

/** @param chunks of a still image, or of one frame */
function readFrame(chunks: ReadonlyMap<string, Uint8Array>): WebpFrame | undefined {
  const lossless = chunks.get('VP8L');
  const data = chunks.get('VP8 ') ?? lossless;
  if (!data || data.length < 10) return undefined;
  const view = viewOf(data);
  const isLossless = data === lossless;
  const bits = view.getUint32(1, true);
  return {
    x: 0,
    y: 0,
    width: isLossless ? (bits & 0x3fff) + 1 : view.getUint16(6, true) & 0x3fff,
    height: isLossless ? ((bits >>> 14) & 0x3fff) + 1 : view.getUint16(8, true) & 0x3fff,
    isLossless,
    data,
    alpha: isLossless ? undefined : chunks.get('ALPH'),
  };
}

function readFirstAnimationFrame(animation: Uint8Array | undefined): WebpFrame | undefined {
  if (!animation || animation.length < 16) return undefined;
  const view = viewOf(animation);
  const frame = readFrame(readChunks(animation.subarray(16)));
  return frame && { ...frame, x: uint24(view, 0) * 2, y: uint24(view, 3) * 2 };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
