import search from 'shared/search/dot-products.wasm';
import { MAX_INDEX_BYTES } from 'shared/search/index-size';
import { VectorIndex } from 'shared/search/vector-index';
import { SharedResults } from '../isolate/shared-results.ts';
import { overloaded, ProblemError } from '../problem.ts';

/** With a model and the memory of images, an isolate has room for one. */
const MAX_INDEXES = 1;

/** An index may be replaced at any time. */
const etags = new SharedResults<string>({ maxAgeMs: 60_000 });
const loaded = new SharedResults<VectorIndex>({
  whenFull: 'Too many indexes are being searched',
});

/**
 * Lends an index of the bucket, and loads it where that has not been done. It is replaced within a minute after its object is.
 *
 * @param name of the object, without `.index`
 * @param use has the index until it ends, so it must wait for nothing that a client sends
 * @throws ProblemError `not_found`, `misconfigured` for an index that is too large, `overloaded`
 */
export async function withIndex<T>(
  bucket: R2Bucket,
  name: string,
  use: (index: VectorIndex) => T,
): Promise<T> {
  const key = `${name}.index`;
  const etag = await etags.get(key, async () => {
    const object = await bucket.head(key);
    if (object) return object.etag;
    throw new ProblemError('not_found', `The service has no index ${name}.`);
  });
  return loaded.lend(`${key} ${etag}`, () => load(bucket, key, etag), MAX_INDEXES, use);
}

async function load(bucket: R2Bucket, key: string, etag: string): Promise<VectorIndex> {
  const object = await bucket.get(key, { onlyIf: { etagMatches: etag } });
  if (!object || !('body' in object)) throw overloaded('The index is being replaced');
  if (object.size > MAX_INDEX_BYTES) {
    await object.body.cancel();
    throw new ProblemError(
      'misconfigured',
      `The index ${key} of this service has more than ${MAX_INDEX_BYTES} bytes; its operator must replace it.`,
    );
  }
  return VectorIndex.load(
    object.size,
    (target) => fill(target, object.body),
    (imports) => new WebAssembly.Instance(search, imports as WebAssembly.Imports).exports,
  );
}

/** Piece by piece, so that an index is never in memory twice. */
async function fill(target: Uint8Array, body: ReadableStream<Uint8Array>): Promise<void> {
  let at = 0;
  for await (const piece of body) {
    target.set(piece, at);
    at += piece.length;
  }
}
