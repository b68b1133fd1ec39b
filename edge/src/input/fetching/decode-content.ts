import { concatenate } from 'shared/contract/concatenate';
import type { ByteBudget } from '../../isolate/byte-budget.ts';
import { ProblemError } from '../../problem.ts';
import { imageTooLarge } from '../read-body.ts';

/** A piece may come out a thousand times larger, and does so at once. */
const PIECE_BYTES = 4096;

/** More than one happens by mistake; many would be an attack. */
const MAX_CODINGS = 2;

/** Those that a host may name, and that nothing here undoes. @see IANA's HTTP Content Coding Registry */
const foreignCodings = ['aes128gcm', 'br', 'compress', 'dcb', 'dcz', 'exi', 'pack200-gzip', 'zstd']
  .concat('x-compress')
  .concat('brotli', 'bzip2', 'lz4', 'lzma', 'snappy', 'xz', 'zstandard');

/**
 * Undoes the content codings that the runtime leaves: it knows `gzip` and `br` alone, and these only
 * where they are spelled so. What is no coding (`none`, `utf-8`) is passed over, as browsers do.
 *
 * @param header Content-Encoding
 * @param maxBytes that the result may have
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
      `The image's host sent it with the content encoding ${foreign ?? header.slice(0, 100)}, which ` +
        'cannot be undone here; gzip, deflate and br can.',
    );
  }
  let decoded = body;
  for (const _ of codings) decoded = await inflate(decoded, maxBytes, budget);
  return decoded;
}

/**
 * Undoes one coding. The runtime's zlib reads ahead without limit, so that each piece is given to it
 * only when all that came of the one before has been taken.
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
    // The runtime's own are of plain memory.
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
    // Whatever is still on its way fails with it, and nobody waits for it.
    for (const ending of [reading, reader.closed, writer.closed, writer.abort(cause)]) {
      ending.catch(() => undefined);
    }
    if (cause instanceof ProblemError) throw cause;
    throw brokenCoding(cause);
  }
  return concatenate(pieces);
}

/** Hosts call zlib's format and bare deflate `deflate` both: the first bytes say which it is. */
function formatOf([first = 0, second = 0]: Uint8Array): 'gzip' | 'deflate' | 'deflate-raw' {
  if (first === 0x1f && second === 0x8b) return 'gzip';
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0 ? 'deflate' : 'deflate-raw';
}

/** For what its header says is compressed, and is not, or only half. */
export function brokenCoding(cause: unknown): ProblemError {
  return new ProblemError(
    'fetch_failed',
    "The image's host broke off, or sent something else than its Content-Encoding header says.",
    { cause },
  );
}
