import { nameAt, viewOf } from './bytes.ts';

export interface PngChunk {
  readonly name: string;
  readonly data: Uint8Array;
  /** Whether the data is what the file's maker wrote. */
  isIntact(): boolean;
}

/**
 * Walks a PNG's chunks, the last of which may be cut off.
 *
 * @see PNG specification (third edition), 5.3
 */
export function* walkPngChunks(file: Uint8Array): Generator<PngChunk> {
  const view = viewOf(file);
  let at = 8;
  while (at + 12 <= file.length) {
    const dataAt = at + 8;
    const end = dataAt + view.getUint32(at);
    if (end + 4 > file.length) return;
    const named = file.subarray(at + 4, end);
    const checksum = view.getUint32(end);
    yield {
      name: nameAt(file, at + 4),
      data: file.subarray(dataAt, end),
      isIntact: () => crc32(named) === checksum,
    };
    at = end + 4;
  }
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
