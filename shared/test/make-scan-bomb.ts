/**
 * A small grey progressive JPEG whose scans repeat all of its coefficients many times.
 *
 * @param side in pixels, at most 1024: one run of empty blocks then covers it
 * @param scans after the first one
 */
export function makeScanBomb(side: number, scans: number): Buffer {
  const blocks = Math.ceil(side / 8) ** 2;
  const sizes = [side >> 8, side & 255, side >> 8, side & 255];
  // The one code of each table is a 0: a difference of 0, or a run of blocks of 2^14 and more.
  const table = (id: number, symbol: number): Buffer =>
    segment(0xc4, [id, 1, ...Array<number>(15).fill(0), symbol]);
  const first = Buffer.concat([
    segment(0xda, [1, 1, 0, 0, 0, 0]),
    Buffer.alloc(Math.ceil(blocks / 8)),
  ]);
  const refine = Buffer.concat([
    segment(0xda, [1, 1, 0, 1, 63, 0x10]),
    // The code, and the part of the run beyond 2^14.
    Buffer.from([0, 0]),
  ]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...Array<number>(64).fill(1)]),
    segment(0xc2, [8, ...sizes, 1, 1, 0x11, 0]),
    table(0x00, 0),
    table(0x10, 0xe0),
    first,
    ...Array<Buffer>(scans).fill(refine),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function segment(marker: number, data: readonly number[]): Buffer {
  const length = data.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...data]);
}
