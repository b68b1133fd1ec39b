import type { DecoderPrograms } from '../decoder-programs.ts';
import type { Image, OpenImage } from '../image.ts';
import { createPixelSink, sinkBytes } from '../reduce/pixel-sink.ts';
import { rowsBytes, startRows } from '../rows.ts';
import { readPngProfile } from './png-colours.ts';
import { type PngHeader, pngPixelParts, readPngHeader } from './png-header.ts';

/**
 * Opens a PNG of any colour type, depth and interlacing. It is inflated and reduced row by row, so that
 * neither the inflated data nor the pixels are ever in memory as a whole, and nothing after the last row
 * is read. Of an animated PNG, it is the image that every PNG reader shows.
 */
export async function openPng(
  file: Uint8Array,
  programs: DecoderPrograms,
): Promise<OpenImage | undefined> {
  const header = readPngHeader(file);
  if (!header) return undefined;
  const { width, height, orientation, isGrey, chunks } = header;
  return {
    width,
    height,
    orientation,
    components: isGrey ? 1 : 3,
    hasAlpha: true,
    profile: await readPngProfile(chunks, programs),
    memoryBytes: (reduction) => sinkBytes(width, height, reduction) + rowsBytes(width),
    decode: (reduction) => decodePng(file, header, programs, reduction),
  };
}

/** @throws Error for a file that is damaged or cut off before its last row */
async function decodePng(
  file: Uint8Array,
  header: PngHeader,
  programs: DecoderPrograms,
  reduction: number,
): Promise<Image> {
  const rows = startRows(await programs.rows(), 'png', pngPixelParts(file, header));
  const sink = await createPixelSink(programs, header.width, header.height, reduction);
  for (const { x, y, stepX, stepY, width, height } of passesOf(header)) {
    for (let i = 0; i < height; i++) sink.add(rows.next(width), y + i * stepY, x, stepX);
  }
  rows.finish();
  return sink.finish();
}

/** The pixels of each pass: all of them, or a part of those of an interlaced image. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
}

/** x, y and steps of the passes of Adam7. @see PNG specification, 8.2 */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

function passesOf(header: PngHeader): Pass[] {
  const grids = header.isInterlaced ? adam7 : ([[0, 0, 1, 1]] as const);
  return grids
    .map(([x, y, stepX, stepY]) => {
      const width = Math.ceil((header.width - x) / stepX);
      const height = Math.ceil((header.height - y) / stepY);
      return { x, y, stepX, stepY, width, height };
    })
    .filter(({ width, height }) => width > 0 && height > 0);
}
