import type { DecoderProgram } from './decoder-programs.ts';
import { startDecoder } from './wasm-decoder.ts';

/** The exports of decoders/rows/src/lib.rs, which documents them. */
interface RowsModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  openPng(): number;
  openGif(): number;
  nextRow(): number;
  inflate(max: number): number;
  inflated(): number;
}

/** Memory of the program for rows of a width, as measured; its build sets a maximum of 16 MiB. */
export function rowsBytes(width: number): number {
  return 768 * 1024 + width * 140;
}

/** Rows of an image, in the order of its file, which is read only as far as necessary. */
export interface Rows {
  /**
   * @param width the number of pixels in the row
   * @returns RGBA, a view that is valid until the next call
   * @throws Error for a file that is damaged or ends too early
   */
  next(width: number): Uint8Array;
}

/**
 * Starts the decoder of PNG and GIF. Each image has an instance of its own, so that its memory is freed
 * afterwards.
 *
 * @param file its parts, one after the other
 * @throws Error for a file that is damaged before its first row
 */
export function startRows(
  program: DecoderProgram,
  format: 'png' | 'gif',
  file: Iterable<Uint8Array>,
): Rows {
  const decoder = start(program, file);
  const isOpen = format === 'png' ? decoder.openPng() : decoder.openGif();
  if (!isOpen) throw new Error(`The ${format} file is damaged before its first row.`);
  return {
    next(width) {
      const at = decoder.nextRow();
      if (at === 0) throw new Error(`The ${format} file is damaged, or ends before its last row.`);
      return new Uint8Array(decoder.memory.buffer, at, width * 4);
    },
  };
}

/**
 * @param stream of zlib (RFC 1950)
 * @returns undefined where it is damaged or inflates to more than `maxBytes`
 */
export function inflate(
  program: DecoderProgram,
  stream: Uint8Array,
  maxBytes: number,
): Uint8Array | undefined {
  const decoder = start(program, [stream]);
  const length = decoder.inflate(maxBytes);
  if (length === 0) return undefined;
  return new Uint8Array(decoder.memory.buffer, decoder.inflated(), length).slice();
}

function start(program: DecoderProgram, file: Iterable<Uint8Array>): RowsModule {
  const parts = file[Symbol.iterator]();
  let part: Uint8Array = new Uint8Array(0);
  const read = (to: number, length: number): number => {
    while (part.length === 0) {
      const next = parts.next();
      if (next.done) return 0;
      part = next.value;
    }
    const bytes = part.subarray(0, length);
    part = part.subarray(bytes.length);
    new Uint8Array(decoder.memory.buffer).set(bytes, to);
    return bytes.length;
  };
  const decoder: RowsModule = startDecoder(program, { env: { read } });
  return decoder;
}
