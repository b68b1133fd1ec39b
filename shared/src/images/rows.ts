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

/** What the program takes for rows of a width, as measured; its build sets a maximum of 16 MiB. */
export function rowsBytes(width: number): number {
  return 768 * 1024 + width * 140;
}

/** Rows of an image, in the order of its file, which is read only as far as they need. */
export interface Rows {
  /**
   * @param width how many pixels the row has
   * @returns RGBA, a view that the next call ends
   * @throws Error for a file that is damaged, or ends before
   */
  next(width: number): Uint8Array;
}

/**
 * Starts the decoder of PNG and GIF. Each image has an instance to itself, whose memory goes with it.
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
 * @returns undefined where it is damaged, or more than `maxBytes` come out of it
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
