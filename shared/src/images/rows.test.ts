import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { makeChunk, makePng } from '../../test/png.ts';
import { decoderPrograms } from './decode-node.ts';
import { inflate, rowsBytes, startRows } from './rows.ts';

const program = await decoderPrograms.rows();

/** The size of the pieces in which files are read here. */
const pieceBytes = 1024;

/** Reads all rows of a PNG. @returns the number of pieces of the file that were read */
function countPieces(file: Uint8Array, width: number, height: number): number {
  let count = 0;
  function* pieces(): Generator<Uint8Array> {
    for (let at = 0; at < file.length; at += pieceBytes) {
      count += 1;
      yield file.subarray(at, at + pieceBytes);
    }
  }
  const rows = startRows(program, 'png', pieces());
  for (let y = 0; y < height; y++) rows.next(width);
  return count;
}

test('reads only as much of a PNG as its rows need', () => {
  const [width, height] = [100, 100];
  const rows = Buffer.alloc((1 + width * 3) * height);
  const header = makePng({ width, height, depth: 8, colourType: 2 }, rows).subarray(0, 33);
  // 200 MB, which begin with the image.
  const zeros = deflateSync(Buffer.alloc(200_000_000));
  const many = Buffer.concat([header, makeChunk('IDAT', zeros), makeChunk('IEND')]);
  expect(many.length).toBeGreaterThan(100 * pieceBytes);
  expect(countPieces(many, width, height)).toBeLessThan(3);
});

test.each([
  [100, 8, 2, 3],
  [5000, 8, 6, 4],
  [30_000, 16, 6, 8],
  [65_535, 16, 6, 8],
  [65_535, 16, 4, 4],
  [65_535, 8, 2, 3],
])('takes as much memory as computed for a PNG of %i pixels and %i bits', (...fields) => {
  const [width, depth, colourType, bytesPerPixel] = fields;
  const height = 30;
  const rowBytes = 1 + width * bytesPerPixel;
  // Noise, with another filter in every row.
  const rows = Buffer.from(
    Array.from({ length: rowBytes * height }, (_, i) =>
      i % rowBytes === 0 ? (i / rowBytes) % 5 : Math.imul(i, 2654435761) >>> 24,
    ),
  );
  const file = makePng({ width, height, depth, colourType }, rows);
  const reader = startRows(program, 'png', [file]);
  let memoryBytes = 0;
  for (let y = 0; y < height; y++) memoryBytes = reader.next(width).buffer.byteLength;
  expect(memoryBytes).toBeLessThanOrEqual(rowsBytes(width));
});

test('decodes the next image in the same memory, unless an image failed there', () => {
  const file = makePng({ width: 1, height: 1, depth: 8, colourType: 2 }, Buffer.of(0, 1, 2, 3));
  const memoryOf = (image: Buffer, isFinished: boolean): ArrayBufferLike => {
    const rows = startRows(program, 'png', [image]);
    const row = rows.next(1);
    expect([...row]).toEqual([1, 2, 3, 255]);
    if (isFinished) rows.finish();
    return row.buffer;
  };
  const first = memoryOf(file, true);
  expect(memoryOf(file, false)).toBe(first);
  expect(memoryOf(file, true)).not.toBe(first);
});

test('inflates at most the allowed bytes', () => {
  const stream = deflateSync(Buffer.alloc(1000, 7));
  expect(inflate(program, stream, 1000)).toEqual(new Uint8Array(1000).fill(7));
  expect(inflate(program, stream, 999)).toBeUndefined();
  expect(inflate(program, stream.subarray(0, 5), 1000)).toBeUndefined();
  const bomb = deflateSync(Buffer.alloc(100_000_000));
  expect(inflate(program, bomb, 1_000_000)).toBeUndefined();
});
