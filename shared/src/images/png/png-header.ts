import { viewOf } from '../bytes.ts';
import { readOrientation } from '../exif.ts';
import { findPngChunks, type PngChunks } from './png-chunks.ts';

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly isGrey: boolean;
  readonly isInterlaced: boolean;
  readonly chunks: PngChunks;
}

const colourChunks = ['cICP', 'iCCP', 'sRGB', 'cHRM', 'gAMA'];

/** @returns undefined where there is no header */
export function readPngHeader(file: Uint8Array): PngHeader | undefined {
  const chunks = findPngChunks(file, ['IHDR', 'PLTE', 'tRNS', ...colourChunks], ['eXIf']);
  const view = viewOf(chunks.data('IHDR'));
  if (view.byteLength !== 13) return undefined;
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    orientation: readOrientation(viewOf(chunks.data('eXIf'))),
    // Colour types 0 and 4.
    isGrey: (view.getUint8(9) & 3) === 0,
    isInterlaced: view.getUint8(12) === 1,
    chunks,
  };
}

/** The decoder returns the last rows of some files only if another chunk follows them. */
const end = Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82);

/** The signature and the chunks that the pixels need. */
export function pngPixelParts(file: Uint8Array, { chunks }: PngHeader): Uint8Array[] {
  const header = ['IHDR', 'PLTE', 'tRNS'].map(chunks.chunk);
  return [file.subarray(0, 8), ...header, chunks.pixels, end];
}
