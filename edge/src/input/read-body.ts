import { concatenate } from 'shared/contract/concatenate';
import type { ByteBudget } from '../isolate/byte-budget.ts';
import { withTimeout } from '../isolate/with-timeout.ts';
import { ProblemError } from '../problem.ts';

/** Each read costs 0.1 ms, for which most photos need two or three; a sender's silence holds this. */
const FIRST_PIECE_BYTES = 32 * 1024;
const MAX_PIECE_BYTES = 1024 * 1024;

/** A piece may be as much larger than all that has come before it. */
const GROWTH = 4;

/** How fast a body has to come. */
interface Pace {
  /** In each such time … */
  readonly windowMs: number;
  /** … so many bytes a second at the least. */
  readonly minRate: number;
  readonly tooSlow: () => Error;
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly budget: ByteBudget;
  /** Where the sender is the caller. */
  readonly pace?: Pace | undefined;
  /** What to say of a body that is none of an image. */
  readonly tooLarge?: (() => ProblemError) | undefined;
}

/** What the sender says that the body has; 0 when it does not say. */
export function declaredLength(headers: Headers): number {
  return Number(headers.get('content-length')) || 0;
}

/**
 * Reads an image file, counting while it streams: a Content-Length may lie, and compression may
 * hide the size. What it holds grows with what has come, so that who declares much and sends little
 * holds little.
 *
 * @throws ProblemError `overloaded`, what `tooLarge` makes or `image_too_large`, and what `pace` makes
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
      // One byte more than is left, so that one read meets the end.
      const pieceBytes = Math.min(left, maxBytes, most) + 1;
      // The first is not counted before it has come.
      if (length > 0) budget.take(pieceBytes);
      const piece = await fill(reader, pieceBytes, pace);
      if (length === 0) budget.take(piece.length);
      pieces.push(piece);
      length += piece.length;
      if (length > maxBytes) throw tooLarge();
      // Fewer than asked for: the end.
      if (piece.length < pieceBytes) break;
    }
  } catch (error) {
    // Nobody reads on: who sends is to stop.
    reader?.cancel(error).catch(() => undefined);
    throw error;
  }
  return concatenate(pieces);
}

/** @returns as many bytes as asked for, or all that are left */
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
    `The image file must have at most ${maxBytes} bytes; send a smaller one.`,
  );
}
