import { viewOf } from '../bytes.ts';

/** Length and name of a chunk, which precede its data, and the checksum after it. */
const [beforeData, afterData] = [8, 4];

export interface PngChunks {
  /** @returns the first chunk with one of the wanted names, as in the file; empty where there is none */
  chunk(name: string): Uint8Array;
  /** @returns the data of that chunk */
  data(name: string): Uint8Array;
  /** The consecutive IDAT chunks, the last of which may be cut off. */
  readonly pixels: Uint8Array;
}

/**
 * Finds the chunks of a PNG. A chunk with a wrong checksum is ignored, as in Chromium; the decoder itself
 * checks those that it gets.
 *
 * @param anywhere names of chunks that may also follow the pixels
 * @see PNG specification (third edition), 5.3 and 5.6
 */
export function findPngChunks(
  file: Uint8Array,
  beforePixels: readonly string[],
  anywhere: readonly string[],
): PngChunks {
  const view = viewOf(file);
  // Compared as numbers, since a hostile file may have millions of chunks.
  const wanted = new Map([...beforePixels, ...anywhere].map((name) => [numberOf(name), name]));
  const late = new Set(anywhere);
  const found = new Map<string, Uint8Array>();
  let pixels: { readonly start: number; end: number } | undefined;
  let at = 8;
  while (at + beforeData <= file.length) {
    const end = at + beforeData + view.getUint32(at) + afterData;
    const kind = view.getUint32(at + 4);
    if (kind === idat && (!pixels || pixels.end === at)) {
      pixels ??= { start: at, end };
      pixels.end = end;
    }
    if (kind === iend) break;
    const name = wanted.get(kind);
    if (name && end <= file.length && !found.has(name) && (!pixels || late.has(name))) {
      const checksum = view.getUint32(end - afterData);
      const isIntact = isCritical(kind) || crc32(file.subarray(at + 4, end - 4)) === checksum;
      if (isIntact) found.set(name, file.subarray(at, end));
    }
    at = end;
  }
  const chunk = (name: string): Uint8Array => found.get(name) ?? new Uint8Array(0);
  return {
    chunk,
    data: (name) => chunk(name).subarray(beforeData, -afterData),
    pixels: file.subarray(pixels?.start ?? at, pixels?.end ?? at),
  };
}

function numberOf(name: string): number {
  return [...name].reduce((number, letter) => number * 256 + letter.charCodeAt(0), 0);
}

const idat = numberOf('IDAT');
const iend = numberOf('IEND');

/** By the case of its name's first letter. */
function isCritical(kind: number): boolean {
  return ((kind >>> 24) & 0x20) === 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});

/** @see PNG specification, annex D */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) {
    crc = (crc >>> 8) ^ (crcTable[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
