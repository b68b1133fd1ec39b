import { waitUntil } from 'cloudflare:workers';
import { overloaded } from '../problem.ts';

/** The bytes of image files that all requests of the isolate hold together. */
let heldBytes = 0;

export interface ByteBudget {
  /**
   * Must be called before memory for an image file is allocated.
   *
   * @throws ProblemError `overloaded` when the isolate has no room for it
   */
  take(bytes: number): void;
}

/**
 * Runs work that holds an image file, and returns its bytes to the budget at the end. An isolate serves
 * many requests at once in 128 MB, so it must refuse large files when too many arrive at once.
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
  // When a client leaves, the runtime cancels its request, and the bytes would never be returned.
  waitUntil(promise.catch(() => undefined));
  return promise;
}
