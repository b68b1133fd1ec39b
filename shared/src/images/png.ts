import { startInflating } from './inflate.ts';
import type { OpenPicture } from './open-picture.ts';
import { walkPngChunks } from './png-chunks.ts';
import { undoPngFilter } from './png-filters.ts';
import { type PngHeader, readPngHeader } from './png-header.ts';
import { bitsPerPixel, createPngPixelReader } from './png-pixels.ts';
import type { Picture } from './preprocess.ts';
import { createPixelSink, sinkBytes } from './reduce.ts';

/** For zlib's window and the pieces between it and the rows. */
const streamBytes = 1024 * 1024;

/**
 * Opens a PNG of any colour type, depth and interlacing. It is inflated and reduced row by row, so
 * that neither its file nor its pixels are ever in memory as a whole. Of an animated one, the
 * picture that every PNG reader shows.
 */
export function openPng(file: Uint8Array): OpenPicture | undefined {
  const header = readPngHeader(file);
  if (!header) return undefined;
  const { width, height } = header;
  return {
    ...header,
    memoryBytes: (reduction) => sinkBytes(width, height, reduction) + width * 20 + streamBytes,
    decode: (reduction) => decodePng(file, header, reduction),
  };
}

/** @throws Error for a file that is cut off, has a wrong checksum or is otherwise damaged */
async function decodePng(file: Uint8Array, header: PngHeader, reduction: number): Promise<Picture> {
  refuseDamaged(file);
  const passes = passesOf(header);
  const readPixels = createPngPixelReader(header);
  const stride = Math.max(1, bitsPerPixel(header) >> 3);
  const sink = createPixelSink(header.width, header.height, reduction);
  const data = startInflating(pixelData(file));
  try {
    for (const { x, y, stepX, stepY, width, height, rowBytes } of passes) {
      const rgba = new Uint8Array(width * 4);
      let above = new Uint8Array(rowBytes);
      let row = new Uint8Array(rowBytes);
      for (let i = 0; i < height; i++) {
        const filtered = await data.read(1 + rowBytes);
        row.set(filtered.subarray(1));
        undoPngFilter(filtered[0] as number, row, above, stride);
        readPixels(row, rgba);
        sink.add(rgba, y + i * stepY, x, stepX);
        [above, row] = [row, above];
      }
    }
  } finally {
    data.stop();
  }
  return sink.finish();
}

function refuseDamaged(file: Uint8Array): void {
  let last = '';
  for (const { name, isIntact } of walkPngChunks(file)) {
    if (!isIntact()) throw new Error(`The PNG's chunk ${name} has a wrong checksum.`);
    last = name;
  }
  if (last !== 'IEND') throw new Error('The PNG has no end.');
}

/** The parts of its zlib stream. */
function* pixelData(file: Uint8Array): Generator<Uint8Array> {
  for (const { name, data } of walkPngChunks(file)) if (name === 'IDAT') yield data;
}

/** Which pixels come together: all of them, or a part of an interlaced picture's. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  readonly rowBytes: number;
}

/** x, y and steps of Adam7. @see PNG specification, 8.2 */
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
      const rowBytes = Math.ceil((width * bitsPerPixel(header)) / 8);
      return { x, y, stepX, stepY, width, height, rowBytes };
    })
    .filter(({ width, height }) => width > 0 && height > 0);
}
