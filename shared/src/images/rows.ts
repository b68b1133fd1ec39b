import type { DecoderProgram } from './decoder-programs.ts';
import { keepDecoder, startDecoder, takeDecoder } from './wasm-decoder.ts';

/** The exports of decoders/rows/src/lib.rs, which documents them. */
interface RowsExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  openPng(): number;
  openGif(): number;
  nextRow(): number;
  inflate(max: number): number;
  inflated(): number;
}

interface RowsDecoder extends RowsExports {
  /** Makes `parts` the file, nothing of which has been read. */
  open(parts: Iterable<Uint8Array>): void;
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
  /** Must be called after the last row, so that the next image uses the same memory. */
  finish(): void;
}

/**
 * Starts the decoder of PNG and GIF.
 *
 * @param file its parts, one after the other
 * @throws Error for a file that is damaged before its first row
 */
export function startRows(
  program: DecoderProgram,
  format: 'png' | 'gif',
  file: Iterable<Uint8Array>,
): Rows {
  const decoder = takeDecoder<RowsDecoder>(program) ?? startRowsDecoder(program);
  decoder.open(file);
  const isOpen = format === 'png' ? decoder.openPng() : decoder.openGif();
  if (!isOpen) throw new Error(`The ${format} file is damaged before its first row.`);
  return {
    next(width) {
      const at = decoder.nextRow();
      if (at === 0) throw new Error(`The ${format} file is damaged, or ends before its last row.`);
      return new Uint8Array(decoder.memory.buffer, at, width * 4);
    },
    finish() {
      // So that the file is in memory no longer.
      decoder.open([]);
      keepDecoder(program, decoder);
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
  const decoder = startRowsDecoder(program);
  decoder.open([stream]);
  const length = decoder.inflate(maxBytes);
  if (length === 0) return undefined;
  return new Uint8Array(decoder.memory.buffer, decoder.inflated(), length).slice();
}

function startRowsDecoder(program: DecoderProgram): RowsDecoder {
  let file: Iterator<Uint8Array>;
  let part: Uint8Array;
  const read = (to: number, length: number): number => {
    while (part.length === 0) {
      const next = file.next();
      if (next.done) return 0;
      part = next.value;
    }
    const bytes = part.subarray(0, length);
    part = part.subarray(bytes.length);
    new Uint8Array(decoder.memory.buffer).set(bytes, to);
    return bytes.length;
  };
  const decoder = startDecoder<RowsExports>(program, { env: { read } });
  return {
    ...decoder,
    open(parts) {
      file = parts[Symbol.iterator]();
      part = new Uint8Array(0);
    },
  };
}
