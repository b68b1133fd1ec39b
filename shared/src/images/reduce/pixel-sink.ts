import type { DecoderProgram, DecoderPrograms } from '../decoder-programs.ts';
import type { Image } from '../image.ts';
import { keepDecoder, startDecoder, takeDecoder } from '../wasm-decoder.ts';

/** Receives the pixels of an image as they are decoded, in any order. */
export interface PixelSink {
  /**
   * @param rgba pixels of a row, or every `step`th of them, with colours not multiplied by alpha
   * @param x position of the first one
   */
  add(rgba: Uint8Array, y: number, x?: number, step?: number): void;
  /** Must be called once, after all pixels. @returns RGB over white, and the alpha that each pixel had */
  finish(): Image;
}

/**
 * Lays pixels over white and averages squares of them, so that a large image is never in memory. The
 * remainder of a side is cut off at both ends.
 *
 * @param reduction side of a square, in pixels; 1 keeps every pixel
 */
export async function createPixelSink(
  programs: Pick<DecoderPrograms, 'reduce'>,
  width: number,
  height: number,
  reduction: number,
): Promise<PixelSink> {
  return reduction === 1
    ? createFullSink(width, height)
    : createReducingSink(await programs.reduce(), width, height, reduction);
}

/** The memory of {@link createPixelSink}, including its result. */
export function sinkBytes(width: number, height: number, reduction: number): number {
  if (reduction === 1) return width * height * 4;
  const pixels = Math.floor(width / reduction) * Math.floor(height / reduction);
  return kernelBytes(width, pixels) + pixels * 4;
}

function createFullSink(width: number, height: number): PixelSink {
  const data = new Uint8Array(width * height * 4);
  const pixels = new Uint32Array(data.buffer);
  return {
    add(rgba, y, x = 0, step = 1) {
      const start = y * width + x;
      const count = rgba.length / 4;
      if (step === 1) data.set(rgba, start * 4);
      else {
        for (let from = 0, to = start * 4; from < rgba.length; from += 4, to += step * 4) {
          for (let byte = 0; byte < 4; byte++) data[to + byte] = rgba[from + byte] as number;
        }
      }
      for (let i = 0, at = start; i < count; i++, at += step) {
        // Nearly all pixels are opaque: alpha is the highest byte.
        if ((pixels[at] as number) < 0xff000000) layOverWhite(data, at * 4);
      }
    },
    finish: () => ({ width, height, channels: 4, data }),
  };
}

/** Lays a pixel over white, and leaves its alpha as it was. */
export function layOverWhite(data: Image['data'], at: number): void {
  const alpha = data[at + 3] as number;
  for (let channel = at; channel < at + 3; channel++) {
    const sample = (data[channel] as number) * alpha + 255 * (255 - alpha);
    data[channel] = Math.round(sample / 255);
  }
}

/** The exports of `reduce.wasm`; `kernels/reduce.ts` explains the parameters. */
interface ReduceKernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  addPixels(
    source: number,
    count: number,
    x: number,
    step: number,
    sums: number,
    columns: number,
    reduction: number,
  ): void;
  average(sums: number, count: number, scale: number): void;
}

const pageBytes = 65_536;
const bytesPerSum = 16;

function kernelBytes(width: number, pixels: number): number {
  const bytes = rowBytes(width) + pixels * bytesPerSum;
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

/** A row of RGBA comes first in the kernel's memory, and then the sums. */
function rowBytes(width: number): number {
  return Math.ceil(width / 4) * 16;
}

function createReducingSink(
  program: DecoderProgram,
  width: number,
  height: number,
  reduction: number,
): PixelSink {
  const columns = Math.floor(width / reduction);
  const rows = Math.floor(height / reduction);
  const left = (width - columns * reduction) >> 1;
  const top = (height - rows * reduction) >> 1;
  const kernel = takeDecoder<ReduceKernel>(program) ?? startDecoder<ReduceKernel>(program);
  const sums = rowBytes(width);
  const { memory } = kernel;
  const pages = (kernelBytes(width, columns * rows) - memory.buffer.byteLength) / pageBytes;
  if (pages > 0) memory.grow(pages);
  const bytes = new Uint8Array(memory.buffer);
  // Those of the image before.
  bytes.fill(0, sums, sums + columns * rows * bytesPerSum);
  return {
    add(rgba, y, x = 0, step = 1) {
      const row = Math.floor((y - top) / reduction);
      if (row < 0 || row >= rows) return;
      bytes.set(rgba);
      const rowSums = sums + row * columns * bytesPerSum;
      kernel.addPixels(0, rgba.length / 4, x - left, step, rowSums, columns, reduction);
    },
    finish() {
      const count = columns * rows;
      kernel.average(sums, count, 1 / (255 * reduction * reduction));
      const data = bytes.slice(sums, sums + count * 4);
      keepDecoder(program, kernel);
      return { width: columns, height: rows, channels: 4, data };
    },
  };
}
