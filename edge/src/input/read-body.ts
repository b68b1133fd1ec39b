import { concatenate } from 'shared/contract/concatenate';
import type { ByteBudget } from '../isolate/byte-budget.ts';
import { withTimeout } from '../isolate/with-timeout.ts';
import { ProblemError } from '../problem.ts';

/**
 * Each read costs 0.1 ms, and most images need two or three. An idle sender holds no more memory than
 * this.
 */
const FIRST_PIECE_BYTES = 32 * 1024;
const MAX_PIECE_BYTES = 1024 * 1024;

/** How many times larger a piece may be than everything received before it. */
const GROWTH = 4;

/** The slowest rate at which a body may arrive. */
interface Pace {
  /** In each window of this length … */
  readonly windowMs: number;
  /** … at least this many bytes per second must arrive, on average. */
  readonly minRate: number;
  readonly tooSlow: () => Error;
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly budget: ByteBudget;
  /** Set where the caller sends the body. */
  readonly pace?: Pace | undefined;
  /** Makes the error for a body that is too large and not an image. */
  readonly tooLarge?: (() => ProblemError) | undefined;
}

/** The Content-Length of a body; 0 where the sender does not declare it. */
export function declaredLength(headers: Headers): number {
  return Number(headers.get('content-length')) || 0;
}

/**
 * Reads a body and counts its bytes as they arrive: a Content-Length may be wrong, and compression may
 * hide the size. Its memory grows with the bytes received, so that a sender who declares much and sends
 * little holds little.
 *
 * @throws ProblemError `overloaded`, the error of `tooLarge` or `image_too_large`, and the error of
 *   `pace`
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  declaredBytes: number,
  { maxBytes, budget, pace, tooLarge = () => imageTooLarge(maxBytes) }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (declaredBytes > maxBytes) throw tooLarge();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = body?.getReader({ mode: 'byob' });
  try {
    while (reader) {
      const most = Math.min(Math.max(GROWTH * length, FIRST_PIECE_BYTES), MAX_PIECE_BYTES);
      const left = declaredBytes > length ? declaredBytes - length : most;
      // One byte more than remains, so that the same read reaches the end.
      const pieceBytes = Math.min(left, maxBytes, most) + 1;
      // The first piece counts only after it has arrived, so that idle senders take no budget.
      if (length > 0) budget.take(pieceBytes);
      const piece = await fill(reader, pieceBytes, pace);
      if (length === 0) budget.take(piece.length);
      pieces.push(piece);
      length += piece.length;
      if (length > maxBytes) throw tooLarge();
      // Fewer bytes than requested mean the end of the body.
      if (piece.length < pieceBytes) break;
    }
  } catch (error) {
    // Tells the sender to stop.
    reader?.cancel(error).catch(() => undefined);
    throw error;
  }
  return concatenate(pieces);
}

/** @returns as many bytes as requested, or all that remain */
async function fill(
  reader: ReadableStreamBYOBReader,
  pieceBytes: number,
  pace: Pace | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new ArrayBuffer(pieceBytes);
  let filled = 0;
  const windowBytes = pace ? Math.ceil((pace.minRate * pace.windowMs) / 1000) : pieceBytes;
  while (filled < pieceBytes) {
    const atLeast = Math.min(windowBytes, pieceBytes - filled);
    const read = () => reader.readAtLeast(atLeast, new Uint8Array(buffer, filled));
    const { value, done } = await (pace ? withTimeout(pace.windowMs, pace.tooSlow, read) : read());
    if (!value) break;
    buffer = value.buffer;
    filled += value.length;
    if (done || value.length < atLeast) break;
  }
  return new Uint8Array(buffer, 0, filled);
}

export function imageTooLarge(maxBytes: number): ProblemError {
  return new ProblemError(
    'image_too_large',
    `The image file must have at most ${maxBytes} bytes; use a smaller one.`,
  );
}
