import { viewOf } from '../bytes.ts';
import type { DecoderProgram, DecoderPrograms } from '../decoder-programs.ts';
import type { Image, OpenImage } from '../image.ts';
import { createPixelSink, sinkBytes } from '../reduce/pixel-sink.ts';
import { startDecoder } from '../wasm-decoder.ts';
import { readWebpHeader, type WebpFrame, type WebpHeader } from './webp-header.ts';

/** The exports of decoders/webp/webp.c, which documents them. */
interface Libwebp {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  prepare(bytes: number): number;
  decode(data: number, bytes: number, width: number, height: number, reduction: number): number;
  version(): number;
}

/**
 * Opens a WebP for libwebp: lossy or lossless, still or the first frame of an animation. Each image has an
 * instance of its own, so that its memory is freed afterwards. A lossy image that fills its canvas and has
 * no transparency is reduced in luma and chroma while it is decoded.
 */
export function openWebp(file: Uint8Array, programs: DecoderPrograms): OpenImage | undefined {
  const header = readWebpHeader(file);
  if (!header) return undefined;
  const { width, height, frame } = header;
  return {
    ...header,
    components: 3,
    hasAlpha: !isPlain(header),
    memoryBytes(reduction) {
      if (reduction > 1 && isPlain(header)) {
        const pixelBytes = Math.floor(width / reduction) * Math.floor(height / reduction) * 4;
        return rowsBytes + frame.data.length + width * rowBytesPerPixel + pixelBytes;
      }
      // Measured: RGBA, and the same again for lossless data, which includes the alpha chunk.
      const pixelBytes = frame.isLossless ? 8.5 : frame.alpha ? 6.5 : 4.5;
      const frameBytes = frame.width * frame.height * pixelBytes;
      const dataBytes = frame.data.length + (frame.alpha?.length ?? 0);
      return dataBytes + frameBytes + sinkBytes(width, height, reduction);
    },
    decode: (reduction) => decodeWebp(programs, header, reduction),
  };
}

/** @throws Error for a file that libwebp refuses */
async function decodeWebp(
  programs: DecoderPrograms,
  header: WebpHeader,
  reduction: number,
): Promise<Image> {
  const program = await programs.webp();
  const { width, height, frame } = header;
  if (reduction > 1 && isPlain(header)) {
    const data = runLibwebp(program, frame, reduction);
    const [outWidth, outHeight] = [width, height].map((side) => Math.floor(side / reduction));
    return { width: outWidth as number, height: outHeight as number, channels: 4, data };
  }
  const sink = await createPixelSink(programs, width, height, reduction);
  const rgba = runLibwebp(program, frame);
  const rowBytes = frame.width * 4;
  const canvasRow = new Uint8Array(width * 4);
  for (let y = 0; y < height; y++) {
    const row = y - frame.y;
    const isInFrame = row >= 0 && row < frame.height;
    // The canvas outside of the frame is transparent.
    canvasRow.fill(0);
    if (isInFrame) {
      const pixels = rgba.subarray(row * rowBytes, (row + 1) * rowBytes);
      canvasRow.set(pixels.subarray(0, Math.max(0, width - frame.x) * 4), frame.x * 4);
    }
    sink.add(canvasRow, y);
  }
  return sink.finish();
}

/** Memory of the program, its stack and tables, and of the row buffers per column. */
const rowsBytes = 1024 * 1024;
const rowBytesPerPixel = 200;

/** Whether the frame is the whole visible image, so that libwebp can reduce it. */
function isPlain({ width, height, frame }: WebpHeader): boolean {
  const isWhole =
    frame.x === 0 && frame.y === 0 && frame.width === width && frame.height === height;
  return isWhole && !frame.isLossless && !frame.alpha;
}

/** @returns the frame's RGBA, a view of the decoder's memory */
function runLibwebp(program: DecoderProgram, frame: WebpFrame, reduction = 1): Uint8Array {
  const { width, height, data, alpha } = frame;
  const decoder = startLibwebp(program);
  // Without transparency, libwebp reads the data directly.
  const parts = alpha ? asStill(frame, alpha) : [data];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const start = decoder.prepare(length);
  if (start === 0) throw new Error(`The decoder has no memory left for ${length} bytes.`);
  let at = start;
  for (const part of parts) {
    new Uint8Array(decoder.memory.buffer).set(part, at);
    at += part.length;
  }
  const pixelsAt = decoder.decode(start, length, width, height, reduction);
  if (pixelsAt === 0) throw new Error('libwebp refused the file.');
  const pixels = Math.floor(width / reduction) * Math.floor(height / reduction);
  return new Uint8Array(decoder.memory.buffer, pixelsAt, pixels * 4);
}

/** The library's version, as in 0x010600 for 1.6.0. */
export function libwebpVersion(program: DecoderProgram): number {
  return startLibwebp(program).version();
}

function startLibwebp(program: DecoderProgram): Libwebp {
  const decoder = startDecoder<Libwebp>(program);
  decoder._initialize();
  return decoder;
}

/** Puts a lossy frame with transparency into a file of its own. @see RFC 9649, section 2.7 */
function asStill({ width, height, data }: WebpFrame, alpha: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(30);
  header.set(new TextEncoder().encode('RIFF....WEBPVP8X'));
  const view = viewOf(header);
  const parts = [...chunk('ALPH', alpha), ...chunk('VP8 ', data)];
  view.setUint32(
    4,
    parts.reduce((sum, part) => sum + part.length, 22),
    true,
  );
  view.setUint32(16, 10, true);
  // The flag for transparency.
  view.setUint8(20, 0b10000);
  setUint24(view, 24, width - 1);
  setUint24(view, 27, height - 1);
  return [header, ...parts];
}

/** The header, contents and padding of a chunk. */
function chunk(name: string, contents: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(8);
  header.set(new TextEncoder().encode(name));
  viewOf(header).setUint32(4, contents.length, true);
  return [header, contents, new Uint8Array(contents.length & 1)];
}

function setUint24(view: DataView, at: number, value: number): void {
  view.setUint16(at, value & 0xffff, true);
  view.setUint8(at + 2, value >> 16);
}
