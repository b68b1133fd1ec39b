import { crc32, deflateSync } from 'node:zlib';

/** IHDR's fields. @see PNG specification, 11.2.1 */
export interface PngFields {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
}

const magic = Buffer.from('89504e470d0a1a0a', 'hex');

/** A PNG of filtered rows, with chunks between its header and its pixels. */
export function makePng(
  { width, height, depth, colourType }: PngFields,
  rows: Uint8Array,
  chunks: readonly Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colourType;
  const data = makeChunk('IDAT', deflateSync(rows));
  return Buffer.concat([magic, makeChunk('IHDR', header), ...chunks, data, makeChunk('IEND')]);
}

export function makeChunk(name: string, data: Uint8Array = new Uint8Array(0)): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}

/** Turns a PNG into an animation whose second frame is garbage. */
export function animate(png: Buffer): Buffer {
  const afterHeader = 8 + 25;
  const frame = (sequence: number): Buffer => {
    const control = Buffer.alloc(26);
    control.writeUInt32BE(sequence, 0);
    png.copy(control, 4, 16, 24);
    return makeChunk('fcTL', control);
  };
  const count = makeChunk('acTL', Buffer.from([0, 0, 0, 2, 0, 0, 0, 0]));
  const second = makeChunk('fdAT', Buffer.from([0, 0, 0, 2, 1, 2, 3]));
  return Buffer.concat([
    png.subarray(0, afterHeader),
    count,
    frame(0),
    png.subarray(afterHeader, -12),
    frame(1),
    second,
    png.subarray(-12),
  ]);
}
