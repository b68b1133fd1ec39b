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

const bufferBytes = 128 * 1024;

/**
 * Inflates with the runtime's zlib, never holding more than a few pieces.
 *
 * @param parts of one zlib stream (RFC 1950)
 * @param totalBytes how much will be read
 */
export function startInflating(parts: Iterable<Uint8Array>, totalBytes: number): Inflating {
  const stream = new DecompressionStream('deflate');
  feed(stream.writable.getWriter(), parts);
  const reader = stream.readable.getReader({ mode: 'byob' });
  let remaining = totalBytes;
  let buffer = new Uint8Array(0);
  let start = 0;

  async function refill(length: number): Promise<void> {
    const rest = buffer.slice(start);
    const wanted = Math.max(length, Math.min(bufferBytes, remaining)) - rest.length;
    const { value } = await reader.readAtLeast(wanted, new Uint8Array(wanted));
    if (!value || value.length < length - rest.length) throw new Error('The data end too early.');
    buffer = new Uint8Array(rest.length + value.length);
    buffer.set(rest);
    buffer.set(value, rest.length);
    start = 0;
  }

  return {
    async read(length) {
      if (buffer.length - start < length) await refill(length);
      start += length;
      remaining -= length;
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
