import { viewOf } from './bytes.ts';
import type { DecoderProgram, DecoderPrograms } from './decoder-programs.ts';
import type { OpenPicture } from './open-picture.ts';
import type { Picture } from './preprocess.ts';
import { createPixelSink, sinkBytes } from './reduce.ts';
import { allocate, type DecoderMemory, place, startDecoder, wasiStubs } from './wasm-decoder.ts';
import { readWebpHeader, type WebpFrame, type WebpHeader } from './webp-header.ts';

interface Libwebp extends DecoderMemory {
  WebPDecodeRGBA(file: number, fileLength: number, widthOut: number, heightOut: number): number;
}

/**
 * Opens a WebP for libwebp: lossy or lossless, still or the first
 * frame of an animation. Each picture has an instance to itself, whose memory goes with it.
 */
export function openWebp(file: Uint8Array, programs: DecoderPrograms): OpenPicture | undefined {
  const header = readWebpHeader(file);
  if (!header) return undefined;
  const { width, height, frame } = header;
  return {
    ...header,
    memoryBytes(reduction) {
      // Measured: RGBA, and for a lossless one as much again; the alpha chunk is lossless too.
      const pixelBytes = frame.isLossless ? 8.5 : frame.hasAlphaChunk ? 6.5 : 4.5;
      const frameBytes = frame.width * frame.height * pixelBytes;
      return file.length + frameBytes + sinkBytes(width, height, reduction);
    },
    decode: (reduction) => decodeWebp(file, programs, header, reduction),
  };
}

/** @throws Error for a file that libwebp refuses */
async function decodeWebp(
  file: Uint8Array,
  programs: DecoderPrograms,
  header: WebpHeader,
  reduction: number,
): Promise<Picture> {
  const { width, height, frame } = header;
  const rgba = runLibwebp(
    await programs.webp(),
    frame.chunks ? asStill(frame, frame.chunks) : file,
    frame,
  );
  const sink = createPixelSink(width, height, reduction);
  const rowBytes = frame.width * 4;
  const canvasRow = new Uint8Array(width * 4);
  for (let y = 0; y < height; y++) {
    const row = y - frame.y;
    const isInFrame = row >= 0 && row < frame.height;
    // What the frame does not cover is transparent.
    canvasRow.fill(0);
    if (isInFrame) {
      const pixels = rgba.subarray(row * rowBytes, (row + 1) * rowBytes);
      canvasRow.set(pixels.subarray(0, (width - frame.x) * 4), frame.x * 4);
    }
    sink.add(canvasRow, y);
  }
  return sink.finish();
}

/** @returns the frame's RGBA, a view of the decoder's memory */
function runLibwebp(
  program: DecoderProgram,
  file: Uint8Array,
  { width, height }: WebpFrame,
): Uint8Array {
  const imports = { wasi_snapshot_preview1: wasiStubs };
  const decoder = startDecoder<Libwebp>(program, imports);
  const fileAt = place(decoder, file);
  const out = allocate(decoder, 8);
  const pixelsAt = decoder.WebPDecodeRGBA(fileAt, file.length, out, out + 4);
  const size = new Uint32Array(decoder.memory.buffer, out, 2);
  if (pixelsAt === 0 || size[0] !== width || size[1] !== height) {
    throw new Error('libwebp refused the file.');
  }
  return new Uint8Array(decoder.memory.buffer, pixelsAt, width * height * 4);
}

/** Puts a frame of an animation into a file of its own. @see RFC 9649, section 2.7 */
function asStill({ width, height }: WebpFrame, chunks: Uint8Array): Uint8Array {
  const file = new Uint8Array(30 + chunks.length);
  const names = new TextEncoder().encode('RIFF....WEBPVP8X');
  file.set(names);
  file.set(chunks, 30);
  const view = viewOf(file);
  view.setUint32(4, file.length - 8, true);
  view.setUint32(16, 10, true);
  // There may be transparency.
  view.setUint8(20, 0b10000);
  setUint24(view, 24, width - 1);
  setUint24(view, 27, height - 1);
  return file;
}

function setUint24(view: DataView, at: number, value: number): void {
  view.setUint16(at, value & 0xffff, true);
  view.setUint8(at + 2, value >> 16);
}
