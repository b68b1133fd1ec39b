import { viewOf } from '../bytes.ts';
import type { DecoderPrograms } from '../decoder-programs.ts';
import type { Image, OpenImage } from '../image.ts';
import { createPixelSink, sinkBytes } from '../reduce/pixel-sink.ts';
import { rowsBytes, startRows } from '../rows.ts';

/** The first frame of a GIF and its position on the canvas. */
interface GifHeader {
  /** Size of the canvas, which grows where the first frame extends beyond it. */
  readonly width: number;
  readonly height: number;
  readonly frame: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
    readonly isInterlaced: boolean;
  };
  /** The file without the extensions before the frame, except for its graphic control. */
  readonly parts: readonly Uint8Array[];
}

/**
 * Opens a GIF: its first frame on a transparent canvas, without the background colour, as in browsers
 * and Pillow. The frame is decoded row by row, and nothing after it is read.
 */
export function openGif(file: Uint8Array, programs: DecoderPrograms): OpenImage | undefined {
  const header = readGifHeader(file);
  if (!header) return undefined;
  const { width, height } = header;
  return {
    width,
    height,
    orientation: 1,
    components: 3,
    memoryBytes: (reduction) => sinkBytes(width, height, reduction) + rowsBytes(width),
    decode: (reduction) => decodeGif(header, programs, reduction),
  };
}

/** @throws Error for a damaged file, or one whose first frame is cut off */
async function decodeGif(
  { width, height, frame, parts }: GifHeader,
  programs: DecoderPrograms,
  reduction: number,
): Promise<Image> {
  const rows = startRows(await programs.rows(), 'gif', parts);
  const sink = await createPixelSink(programs, width, height, reduction);
  const border = new Uint8Array(width * 4);
  const isInFrame = (y: number): boolean => y >= frame.y && y < frame.y + frame.height;
  for (let y = 0; y < height; y++) {
    if (!isInFrame(y)) sink.add(border, y);
    else {
      sink.add(border.subarray(0, frame.x * 4), y);
      sink.add(border.subarray((frame.x + frame.width) * 4), y, frame.x + frame.width);
    }
  }
  for (const [first, step] of frame.isInterlaced ? interlaced : ([[0, 1]] as const)) {
    for (let row = first; row < frame.height; row += step) {
      sink.add(rows.next(frame.width), frame.y + row, frame.x);
    }
  }
  rows.finish();
  return sink.finish();
}

/** The rows of each pass. @see GIF89a specification, appendix E */
const interlaced = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/** @see GIF89a specification, sections 17 to 26 */
function readGifHeader(file: Uint8Array): GifHeader | undefined {
  if (file.length < 13) return undefined;
  const view = viewOf(file);
  const tablesEnd = 13 + colourTableBytes(view.getUint8(10));
  let at = tablesEnd;
  let control: Uint8Array = new Uint8Array(0);
  while (file[at] === extension) {
    const end = skipBlocks(file, at + 2);
    if (file[at + 1] === graphicControl) control = file.subarray(at, end);
    at = end;
  }
  if (file[at] !== imageDescriptor || at + 10 > file.length) return undefined;
  const number = (offset: number): number => view.getUint16(at + offset, true);
  const [x, y, width, height] = [number(1), number(3), number(5), number(7)];
  if (width === 0 || height === 0) return undefined;
  return {
    width: Math.max(view.getUint16(6, true), x + width),
    height: Math.max(view.getUint16(8, true), y + height),
    frame: { x, y, width, height, isInterlaced: (view.getUint8(at + 9) & 0x40) !== 0 },
    parts: [file.subarray(0, tablesEnd), control, file.subarray(at)],
  };
}

const extension = 0x21;
const graphicControl = 0xf9;
const imageDescriptor = 0x2c;

/** @param flags whose lower three bits give the number of colours, if the highest is set */
function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** @returns the end of the empty block after a row of blocks; beyond the file where there is none */
function skipBlocks(file: Uint8Array, start: number): number {
  let at = start;
  while (file[at]) at += 1 + (file[at] as number);
  return at + 1;
}
