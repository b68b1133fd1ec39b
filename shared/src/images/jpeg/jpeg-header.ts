import { viewOf } from '../bytes.ts';
import { readOrientation } from '../exif.ts';

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** 1 is grey, 3 colour, 4 CMYK. */
  readonly components: 1 | 3 | 4;
  /**
   * Bytes of all coefficients, which a decoder must hold where those of a block are in several scans: in
   * progressive files and in some sequential ones.
   */
  readonly coefficientBytes: number;
}

/**
 * Walks a JPEG's segments up to its first scan.
 *
 * @returns undefined when there is none
 * @see ITU-T T.81, B.1.1.4, B.2.2 and B.2.3
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  let orientation: number | undefined;
  let frame: Frame | undefined;
  const view = viewOf(bytes);
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  let at = nextMarker(bytes, 2);
  while (at + 4 <= view.byteLength) {
    const marker = view.getUint8(at + 1);
    if (isStandalone(marker)) {
      at = nextMarker(bytes, at + 2);
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > view.byteLength) return undefined;
    // A hostile file may have millions of segments, so nothing is made of those that do not count.
    const segment = (): DataView => viewOf(bytes, at + 4, length - 2);
    // The first one counts.
    if (marker === 0xe1 && orientation === undefined && length > 8 && isExif(segment())) {
      orientation = readOrientation(viewOf(bytes, at + 10, length - 8));
    }
    if (isFrameHeader(marker)) {
      frame = readFrame(segment(), marker);
      if (!frame) return undefined;
    }
    if (marker === 0xda) {
      if (!frame || length < 3) return undefined;
      const isSplit = frame.isProgressive || view.getUint8(at + 4) < frame.components;
      return {
        ...frame,
        orientation: orientation ?? 1,
        coefficientBytes: isSplit ? frame.coefficientBytes : 0,
      };
    }
    at = nextMarker(bytes, at + 2 + length);
  }
  return undefined;
}

/** Finds the next marker as libjpeg does, after any number of other bytes and fill bytes. */
function nextMarker(bytes: Uint8Array, start: number): number {
  // Nearly always, a marker follows immediately.
  const next = bytes[start + 1];
  if (bytes[start] === 0xff && next !== 0xff && next !== 0) return start;
  let at = bytes.indexOf(0xff, start);
  while (at >= 0) {
    while (bytes[at + 1] === 0xff) at += 1;
    if (bytes[at + 1] !== 0) return at;
    at = bytes.indexOf(0xff, at + 2);
  }
  return bytes.length;
}

/** TEM and the restart markers have no length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** SOF0 to SOF15, except DHT, JPG and DAC, whose codes lie among them. */
function isFrameHeader(marker: number): boolean {
  const isOther = marker === 0xc4 || marker === 0xc8 || marker === 0xcc;
  return marker >= 0xc0 && marker <= 0xcf && !isOther;
}

type Frame = Omit<JpegHeader, 'orientation'> & { readonly isProgressive: boolean };

function readFrame(segment: DataView, marker: number): Frame | undefined {
  if (segment.byteLength < 6) return undefined;
  const components = segment.getUint8(5);
  if (components !== 1 && components !== 3 && components !== 4) return undefined;
  if (segment.byteLength < 6 + components * 3) return undefined;
  const height = segment.getUint16(1);
  const width = segment.getUint16(3);
  const factors = Array.from({ length: components }, (_, i) => segment.getUint8(7 + i * 3));
  const across = Math.max(...factors.map((factor) => factor >> 4));
  const down = Math.max(...factors.map((factor) => factor & 15));
  const units = Math.ceil(width / (across * 8)) * Math.ceil(height / (down * 8));
  const blocks = factors.reduce((sum, factor) => sum + units * (factor >> 4) * (factor & 15), 0);
  return {
    width,
    height,
    components,
    // 64 coefficients of two bytes each.
    coefficientBytes: blocks * 128,
    isProgressive: [0xc2, 0xc6, 0xca, 0xce].includes(marker),
  };
}

/** Whether an APP1 segment is EXIF, damaged or not, rather than XMP. @see CIPA DC-008, 4.7.2 */
function isExif(segment: DataView): boolean {
  return segment.getUint32(0) === 0x45786966;
}
