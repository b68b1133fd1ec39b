import type { PictureHeader } from './picture-header.ts';

type JpegHeader = Required<Omit<PictureHeader, 'format'>>;

/**
 * Walks a JPEG's segments up to its frame header.
 *
 * @returns undefined when there is none
 * @see ITU-T T.81, B.1.1.4 and B.2.2
 */
export function readJpegHeader(view: DataView): JpegHeader | undefined {
  let orientation = 1;
  let at = 2;
  while (at + 4 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      // Any number of fill bytes may precede a marker.
      at += 1;
      continue;
    }
    if (isStandalone(marker)) {
      at += 2;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > view.byteLength) return undefined;
    const segment = new DataView(view.buffer, view.byteOffset + at + 4, length - 2);
    if (marker === 0xe1) orientation = readOrientation(segment) ?? orientation;
    if (isFrameHeader(marker)) {
      if (segment.byteLength < 6) return undefined;
      return {
        width: segment.getUint16(3),
        height: segment.getUint16(1),
        components: segment.getUint8(5),
        orientation,
      };
    }
    at += 2 + length;
  }
  return undefined;
}

/** TEM and the restart markers have no length. */
function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** SOF0 to SOF15, between which DHT, JPG and DAC have their places. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

const orientationTag = 0x0112;

/** Reads the orientation from an APP1 segment, if that holds EXIF. @see CIPA DC-008, 4.6.4 */
function readOrientation(segment: DataView): number | undefined {
  const hasExif = segment.byteLength >= 20 && segment.getUint32(0) === 0x45786966;
  if (!hasExif) return undefined;
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.byteLength - 6);
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return undefined;
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > tiff.byteLength) return undefined;
    if (tiff.getUint16(entry, little) !== orientationTag) continue;
    const value = tiff.getUint16(entry + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
