import { concatenate } from 'shared/contract/concatenate';
import type { ByteBudget } from '../../isolate/byte-budget.ts';
import { ProblemError } from '../../problem.ts';
import { imageTooLarge } from '../read-body.ts';

/** Small, since a piece may become a thousand times larger, and does so at once. */
const PIECE_BYTES = 4096;

/** Some hosts apply two by mistake; more would be an attack. */
const MAX_CODINGS = 2;

/** Codings that the Worker cannot undo. @see IANA's HTTP Content Coding Registry */
const foreignCodings = ['aes128gcm', 'br', 'compress', 'dcb', 'dcz', 'exi', 'pack200-gzip', 'zstd']
  .concat('x-compress')
  .concat('brotli', 'bzip2', 'lz4', 'lzma', 'snappy', 'xz', 'zstandard');

/**
 * Undoes the content codings that the runtime leaves: it undoes only `gzip` and `br`, and only in exactly
 * this spelling. Values that are not codings (`none`, `utf-8`) are ignored, as in browsers.
 *
 * @param header Content-Encoding
 * @param maxBytes the largest size of the result
 * @throws ProblemError `fetch_failed`, `image_too_large`, `overloaded`
 */
export async function decodeContent(
  body: Uint8Array<ArrayBuffer>,
  header: string | null,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array<ArrayBuffer>> {
  if (header === null || header === 'gzip' || header === 'br') return body;
  const codings = header
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => /^(x-)?gzip$|^deflate$/.test(coding) || foreignCodings.includes(coding));
  const foreign = codings.find((coding) => foreignCodings.includes(coding));
  if (foreign !== undefined || codings.length > MAX_CODINGS) {
    throw new ProblemError(
      'fetch_failed',
      `The image's host sent it with the content encoding ${foreign ?? header.slice(0, 100)}; the service ` +
        'supports gzip, deflate and br.',
    );
  }
  let decoded = body;
  for (const _ of codings) decoded = await inflate(decoded, maxBytes, budget);
  return decoded;
}

/**
 * Undoes one coding. The runtime's zlib reads ahead without limit, so it gets each piece only after the
 * output of the previous one has been taken.
 */
async function inflate(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new DecompressionStream(formatOf(bytes));
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const keep = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > maxBytes) throw imageTooLarge(maxBytes);
    budget.take(piece.length);
    // The runtime's buffers are never shared memory.
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  };
  let reading = reader.read();
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await writer.write(bytes.subarray(at, at + PIECE_BYTES));
      for (;;) {
        const read = await Promise.race([reading, scheduler.wait(0)]);
        if (!read?.value) break;
        keep(read.value);
        reading = reader.read();
      }
    }
    await writer.close();
    for (let read = await reading; read.value; read = await reader.read()) keep(read.value);
  } catch (cause) {
    // The pending operations fail too, and nothing waits for them.
    for (const ending of [reading, reader.closed, writer.closed, writer.abort(cause)]) {
      ending.catch(() => undefined);
    }
    if (cause instanceof ProblemError) throw cause;
    throw brokenCoding(cause);
  }
  return concatenate(pieces);
}

/** Hosts use `deflate` for both zlib's format and raw deflate; the first bytes tell which it is. */
function formatOf([first = 0, second = 0]: Uint8Array): 'gzip' | 'deflate' | 'deflate-raw' {
  if (first === 0x1f && second === 0x8b) return 'gzip';
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0 ? 'deflate' : 'deflate-raw';
}

/** For a body that is not compressed as its header says, or not complete. */
export function brokenCoding(cause: unknown): ProblemError {
  return new ProblemError(
    'fetch_failed',
    "The image's host broke off, or the body does not match its Content-Encoding header.",
    { cause },
  );
}
