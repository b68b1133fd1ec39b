import { concatenate } from 'shared/concatenate';
import type { ByteBudget } from './byte-budget.ts';
import { ProblemError } from './problem.ts';

/** Each read costs 0.1 ms, for which most photos need one or two. */
const FIRST_PIECE_BYTES = 256 * 1024;
const MAX_PIECE_BYTES = 1024 * 1024;

/** What the sender says that the body has; 0 when it does not say. */
export function declaredLength(headers: Headers): number {
  return Number(headers.get('content-length')) || 0;
}

/**
 * Reads a picture file, counting while it streams: a Content-Length may lie, and compression may
 * hide the size.
 *
 * @throws ProblemError `picture_too_large`, `overloaded`
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  declaredBytes: number,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array<ArrayBuffer>> {
  if (declaredBytes > maxBytes) throw tooLarge(maxBytes);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = body?.getReader({ mode: 'byob' });
  while (reader) {
    // No more than has come already, so that who sends slowly holds little memory.
    const most = Math.min(Math.max(length, FIRST_PIECE_BYTES), MAX_PIECE_BYTES);
    // One byte more than declared, so that one read meets the end.
    const pieceBytes = Math.min(Math.max(declaredBytes - length, 65_536), maxBytes, most) + 1;
    budget.take(pieceBytes);
    const { value, done } = await reader.readAtLeast(pieceBytes, new Uint8Array(pieceBytes));
    if (value) pieces.push(value);
    length += value?.length ?? 0;
    if (length > maxBytes) throw tooLarge(maxBytes);
    // Fewer than asked for: the end.
    if (done || value.length < pieceBytes) break;
  }
  return concatenate(pieces);
}

function tooLarge(maxBytes: number): ProblemError {
  return new ProblemError(
    'picture_too_large',
    `The picture file must have at most ${maxBytes} bytes; send a smaller one.`,
  );
}
