import { viewOf } from './bytes.ts';
import { readOrientation } from './exif.ts';
import { walkPngChunks } from './png-chunks.ts';

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  readonly colour: PngColour;
  readonly isInterlaced: boolean;
  /** Red, green and blue of each index. */
  readonly palette: Uint8Array;
  /** The chunk tRNS: an alpha for each index, or one transparent colour. */
  readonly transparency: Uint8Array;
}

export type PngColour = 'grey' | 'rgb' | 'indexed' | 'grey-alpha' | 'rgba';

/** @see PNG specification, 11.2.1, table 12 */
const colourTypes: Readonly<Record<number, readonly [PngColour, depths: readonly number[]]>> = {
  0: ['grey', [1, 2, 4, 8, 16]],
  2: ['rgb', [8, 16]],
  3: ['indexed', [1, 2, 4, 8]],
  4: ['grey-alpha', [8, 16]],
  6: ['rgba', [8, 16]],
};

const readChunks = ['IHDR', 'PLTE', 'tRNS', 'eXIf'];

/** @returns undefined for a header that the specification does not allow */
export function readPngHeader(file: Uint8Array): PngHeader | undefined {
  // By name, the first of each: a hostile file may have millions of others.
  const found = new Map<string, Uint8Array>();
  for (const { name, data } of walkPngChunks(file)) {
    if (found.size === 0 && (name !== 'IHDR' || data.length !== 13)) return undefined;
    if (readChunks.includes(name) && !found.has(name)) found.set(name, data);
  }
  const chunk = (name: string): Uint8Array => found.get(name) ?? new Uint8Array(0);
  if (found.size === 0) return undefined;
  const view = viewOf(chunk('IHDR'));
  const [colour, depths] = colourTypes[view.getUint8(9)] ?? [];
  const depth = view.getUint8(8);
  const interlace = view.getUint8(12);
  const isKnown = view.getUint8(10) === 0 && view.getUint8(11) === 0 && interlace <= 1;
  if (!colour || !depths?.includes(depth) || !isKnown) return undefined;
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    orientation: readOrientation(viewOf(chunk('eXIf'))),
    depth,
    colour,
    isInterlaced: interlace === 1,
    palette: chunk('PLTE'),
    transparency: chunk('tRNS'),
  };
}
