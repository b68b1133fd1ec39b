import { box, gridItem, having, makeAvif, primaryItem } from './avif.ts';
import type { Images } from './make-images.ts';
import { makeChunk, makePng } from './png.ts';

/** Files that are not images, or not what they claim to be. */
export function makeBadImages(good: Images): Images {
  const jpeg = good.get('chelsea.jpg') as Buffer;
  const png = good.get('chelsea.png') as Buffer;
  const avif = good.get('chelsea.avif') as Buffer;
  const coded = primaryItem(avif);
  const grey = { width: 1, height: 1, depth: 8, colourType: 0 };
  const pixel = Uint8Array.of(0, 0);
  const badChecksum = Buffer.from(png);
  // In the middle of the pixels, whose checksum is then wrong.
  badChecksum.writeUInt8((png.readUInt8(png.length >> 1) + 1) & 255, png.length >> 1);
  // 338 megapixels from one repeated tile.
  const side = 50;
  const manyTiles = {
    type: 'dimg',
    from: 0,
    to: Array.from({ length: side * side }, () => 1),
  };
  const many = 20_000;
  const manyChunks = Array<Buffer>(many).fill(makeChunk('teXt'));
  const empty = (count: number): Buffer[] => Array<Buffer>(count).fill(box('free'));
  const webp = Buffer.concat([good.get('chelsea.webp') as Buffer, Buffer.alloc(8 * many)]);
  webp.writeUInt32LE(webp.length - 8, 4);
  return new Map([
    ['bomb.png', makePng({ ...grey, width: 65_535, height: 65_535 }, pixel)],
    ['zero.png', makePng({ ...grey, width: 0 }, pixel)],
    ['bad-checksum.png', badChecksum],
    // libjpeg would read the contents of the comment here.
    [
      'no-marker.jpg',
      Buffer.concat([jpeg.subarray(0, 2), Buffer.from([255, 0]), jpeg.subarray(2)]),
    ],
    [
      'decoy.webp',
      Buffer.concat([webp.subarray(0, 12), Buffer.from('decoy\0\0\0'), webp.subarray(12)]),
    ],
    ['truncated.jpg', jpeg.subarray(0, jpeg.length >> 1)],
    ['truncated.avif', avif.subarray(0, avif.length >> 1)],
    ['bomb.avif', makeAvif([gridItem(side, side, side * 451, side * 300), coded], [manyTiles])],
    [
      'many-boxes.avif',
      Buffer.concat([avif.subarray(0, avif.readUInt32BE()), ...empty(many), avif]),
    ],
    ['many-properties.avif', makeAvif([having(coded, ...empty(33))])],
    ['many-references.avif', makeAvif([coded], [{ ...manyTiles, to: Array(many).fill(1) }])],
    ['overlapping.avif', makeAvif([{ ...coded, extents: 16 }])],
    ['many-chunks.png', makePng({ ...grey, height: 2 }, Uint8Array.of(0, 0, 0, 0), manyChunks)],
    ['many-chunks.webp', webp],
    ['hevc.avif', makeAvif([{ ...coded, type: 'hvc1' }])],
    ['video.avif', Buffer.concat([box('ftyp', Buffer.from('avis')), box('moov')])],
    ['image.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['image.pdf', Buffer.from('%PDF-1.7\n')],
    ['image.heic', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
  ]);
}
