import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { viewOf } from '../src/images/bytes.ts';
import { crc32 } from '../src/images/png/png-chunks.ts';

/** Of each kind of file, one of `make-images.ts`. */
export const mutated = [
  'small.jpg',
  'small-progressive.jpg',
  'small.png',
  'small-palette.png',
  'small.webp',
  'small-lossless.webp',
  'small-animated.webp',
  'small.gif',
  'small.avif',
  'small-grid.avif',
];

/** The same seed gives the same file. */
export function mutate(whole: Uint8Array, seed: number): Uint8Array<ArrayBuffer> {
  const generator = xoroshiro128plus(seed);
  /** An integer in [0, `below`). */
  const random = (below: number): number => uniformInt(generator, 0, below - 1);
  // A copy even of a Buffer, whose `slice` shares its memory.
  let bytes = new Uint8Array(whole);
  // Half of the mutations change the headers.
  const reach = random(2) ? bytes.length : Math.min(bytes.length, 300);
  for (let i = random(6); i >= 0; i--) {
    const at = random(Math.min(reach, bytes.length));
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = (bytes[at] as number) ^ (1 << random(8));
        break;
      case 2:
        // The worst values of a length or a dimension.
        bytes.fill(random(2) ? 0xff : 0, at, at + 1 + random(4));
        break;
      case 3:
        bytes.copyWithin(at, random(bytes.length), random(bytes.length));
        break;
      case 4:
        bytes = insert(bytes, at, bytes.slice(at, at + random(64)));
        break;
      default:
        bytes = random(4) ? bytes : bytes.slice(0, at + 1);
    }
  }
  if (random(2)) correctPngChecksums(bytes);
  return bytes;
}

function insert(bytes: Uint8Array, at: number, more: Uint8Array): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(bytes.length + more.length);
  longer.set(bytes.subarray(0, at));
  longer.set(more, at);
  longer.set(bytes.subarray(at), at + more.length);
  return longer;
}

/** Without correct checksums, no mutation would reach the decoder. */
function correctPngChecksums(bytes: Uint8Array): void {
  if (bytes[1] !== 0x50) return;
  const view = viewOf(bytes);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) return;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
  }
}
