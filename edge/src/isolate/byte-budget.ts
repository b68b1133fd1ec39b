import { waitUntil } from 'cloudflare:workers';
import { overloaded } from '../problem.ts';

/** Bytes of image files that all requests of the isolate hold together. */
let heldBytes = 0;

export interface ByteBudget {
  /**
   * To be called before memory for an image file is allocated.
   *
   * @throws ProblemError `overloaded` when the isolate has no room for it
   */
  take(bytes: number): void;
}

/**
 * Runs work that holds an image file, and gives its bytes back to the budget at its end. An
 * isolate serves many requests at once in 128 MB: a rush of large files has to be turned away.
 *
 * @param maxBytes for all requests of the isolate together
 */
export function withByteBudget<T>(
  maxBytes: number,
  work: (budget: ByteBudget) => Promise<T>,
): Promise<T> {
  let takenBytes = 0;
  const budget: ByteBudget = {
    take(bytes) {
      if (heldBytes + bytes > maxBytes) {
        throw overloaded('Too many large images are being classified');
      }
      heldBytes += bytes;
      takenBytes += bytes;
    },
  };
  const promise = work(budget).finally(() => {
    heldBytes -= takenBytes;
  });
  // Where a client leaves, the runtime drops its request: the bytes would never be given back.
  waitUntil(promise.catch(() => undefined));
  return promise;
}
