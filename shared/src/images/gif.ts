import { viewOf } from './bytes.ts';
import type { DecoderPrograms } from './decoder-programs.ts';
import type { OpenPicture } from './open-picture.ts';
import type { Picture } from './preprocess.ts';
import { createPixelSink, sinkBytes } from './reduce.ts';
import { allocate, type DecoderMemory, place, startDecoder, wasiStubs } from './wasm-decoder.ts';

interface Nsgif extends DecoderMemory {
  decode_gif(
    pixelsOut: number,
    widthOut: number,
    heightOut: number,
    file: number,
    fileLength: number,
  ): number;
}

/**
 * Opens a GIF for NetSurf's libnsgif, which decodes the first frame. Each picture has an instance to itself, whose memory goes with it.
 */
export function openGif(file: Uint8Array, programs: DecoderPrograms): OpenPicture | undefined {
  if (file.length < 13) return undefined;
  const view = viewOf(file);
  const width = view.getUint16(6, true);
  const height = view.getUint16(8, true);
  return {
    width,
    height,
    orientation: 1,
    memoryBytes: (reduction) =>
      file.length + width * height * 4 + sinkBytes(width, height, reduction),
    decode: (reduction) => decodeGif(file, programs, width, height, reduction),
  };
}

/** @throws Error for a file that libnsgif refuses, or whose first frame is cut off */
async function decodeGif(
  file: Uint8Array,
  programs: DecoderPrograms,
  width: number,
  height: number,
  reduction: number,
): Promise<Picture> {
  // Of which libnsgif would show what there is.
  if (!hasWholeFrame(file)) throw new Error('The first frame is cut off.');
  const imports = { wasi_snapshot_preview1: wasiStubs };
  const decoder = startDecoder<Nsgif>(await programs.gif(), imports);
  const fileAt = place(decoder, file);
  const out = allocate(decoder, 12);
  const error = decoder.decode_gif(out, out + 4, out + 8, fileAt, file.length);
  const [pixelsAt = 0, outWidth = 0, outHeight = 0] = new Uint32Array(
    decoder.memory.buffer,
    out,
    3,
  );
  if (error !== 0 || outWidth > width || outHeight > height) {
    throw new Error(`libnsgif returned error ${error}.`);
  }
  const sink = createPixelSink(width, height, reduction);
  // libnsgif does without a large canvas where the frames are smaller: the rest is transparent.
  const row = new Uint8Array(width * 4);
  for (let y = 0; y < height; y++) {
    const rowBytes = outWidth * 4;
    if (y < outHeight) {
      row.set(new Uint8Array(decoder.memory.buffer, pixelsAt + y * rowBytes, rowBytes));
    } else row.fill(0);
    sink.add(row, y);
  }
  return sink.finish();
}

/** @see GIF89a specification, sections 18 to 26 */
function hasWholeFrame(file: Uint8Array): boolean {
  let at = 13 + colourTableBytes(file[10] as number);
  while (file[at] === extension) at = skipBlocks(file, at + 2);
  if (file[at] !== imageDescriptor || at + 10 > file.length) return false;
  const dataAt = at + 10 + colourTableBytes(file[at + 9] as number) + 1;
  return skipBlocks(file, dataAt) <= file.length;
}

const extension = 0x21;
const imageDescriptor = 0x2c;

/** @param flags whose lower three bits tell how many colours there are, if the highest is set */
function colourTableBytes(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** @returns where the empty block ends that ends a row of blocks; beyond the file without one */
function skipBlocks(file: Uint8Array, start: number): number {
  let at = start;
  while (file[at]) at += 1 + (file[at] as number);
  return at + 1;
}
