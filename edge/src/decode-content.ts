import { Decompress } from 'fflate';
import { concatenate } from 'shared/concatenate';
import type { ByteBudget } from './byte-budget.ts';
import { ProblemError } from './problem.ts';
import { pictureTooLarge } from './read-body.ts';

/** A piece may come out a thousand times larger. */
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
 * @throws ProblemError `fetch_failed`, `picture_too_large`, `overloaded`
 */
export function decodeContent(
  body: Uint8Array<ArrayBuffer>,
  header: string | null,
  maxBytes: number,
  budget: ByteBudget,
): Uint8Array<ArrayBuffer> {
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
  return codings.reduceRight<Uint8Array<ArrayBuffer>>(
    (bytes) => inflate(bytes, maxBytes, budget),
    body,
  );
}

/** Of gzip, zlib or bare deflate, which hosts call `deflate` both: the first bytes say which it is. */
function inflate(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
  budget: ByteBudget,
): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const stream = new Decompress((piece) => {
    length += piece.length;
    if (length > maxBytes) throw pictureTooLarge(maxBytes);
    budget.take(piece.length);
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  });
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const end = at + PIECE_BYTES;
      stream.push(bytes.subarray(at, end), end >= bytes.length);
    }
  } catch (cause) {
    if (cause instanceof ProblemError) throw cause;
    throw brokenCoding(cause);
  }
  return concatenate(pieces);
}

/** For what its header says is compressed, and is not, or only half. */
export function brokenCoding(cause: unknown): ProblemError {
  return new ProblemError(
    'fetch_failed',
    "The image's host broke off, or sent something else than its Content-Encoding header says.",
    { cause },
  );
}
