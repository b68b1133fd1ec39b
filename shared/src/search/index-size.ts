/** What an index may have that an isolate of the Worker searches: with a model and its memory, more does not fit. */
export const MAX_VECTORS = 100_000;
export const MAX_INDEX_BYTES = 48 * 2 ** 20;

/** Bytes of an index's vectors: what that leaves room for decides how many dimensions they have. */
export const VECTOR_BYTES = 32 * 2 ** 20;
/** Images that the directions of any number of them are found by. */
export const SAMPLED_VECTORS = 10_000;

/** What the search is fastest with. */
const MULTIPLE = 16;

/**
 * How many dimensions vectors have: all of an embedding's, where there is room.
 *
 * @param width of an embedding
 * @param bytes of all vectors
 */
export function dimensionsFor(width: number, count: number, bytes = VECTOR_BYTES): number {
  return Math.min(width, Math.floor(bytes / count / MULTIPLE) * MULTIPLE);
}
