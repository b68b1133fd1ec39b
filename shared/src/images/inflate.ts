import { concatenate } from '../concatenate.ts';

/** Bytes that come out of a zlib stream, piece by piece. */
export interface Inflating {
  /**
   * @returns a view that the next call overwrites
   * @throws Error when the stream is damaged, or ends before
   */
  read(length: number): Promise<Uint8Array>;
  /** Lets go of what has not been read. */
  stop(): void;
}

/** A piece can come out a thousand times larger, and does so at once. */
const pieceBytes = 16 * 1024;

/**
 * Inflates with the runtime's zlib, never holding more than a few pieces.
 *
 * @param parts of one zlib stream (RFC 1950)
 */
export function startInflating(parts: Iterable<Uint8Array>): Inflating {
  const stream = new DecompressionStream('deflate');
  feed(stream.writable.getWriter(), parts);
  const reader = stream.readable.getReader();
  let buffer: Uint8Array = new Uint8Array(0);
  let start = 0;

  async function refill(length: number): Promise<void> {
    const pieces: Uint8Array[] = [buffer.subarray(start)];
    for (let ready = buffer.length - start; ready < length; ) {
      const { value } = await reader.read();
      if (!value) throw new Error('The data end too early.');
      pieces.push(value);
      ready += value.length;
    }
    buffer = concatenate(pieces);
    start = 0;
  }

  return {
    async read(length) {
      if (buffer.length - start < length) await refill(length);
      start += length;
      return buffer.subarray(start - length, start);
    },
    stop() {
      reader.cancel().catch(() => undefined);
    },
  };
}

async function feed(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  parts: Iterable<Uint8Array>,
): Promise<void> {
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length; at += pieceBytes) {
        await writer.write(part.subarray(at, at + pieceBytes));
      }
    }
    await writer.close();
  } catch {
    // The reader meets the same error, or has stopped reading.
  }
}
