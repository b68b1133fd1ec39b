import type { JobLine } from 'shared/contract/responses';
import { decodeEmbedding } from '../../classify/encode-embedding.ts';
import { beforeChunk, chunkOf, type Job, type JobsEnv, keys } from '../job.ts';

/**
 * The keys of a job's results, in the order of its source.
 *
 * @param first chunk
 * @param count of chunks, some of which may have no result, since pages need not be full
 */
export async function listChunks(
  { JOBS }: JobsEnv,
  { id }: Job,
  first = 0,
  count = Number.POSITIVE_INFINITY,
): Promise<readonly string[]> {
  const found: string[] = [];
  let startAfter = beforeChunk(id, first);
  while (true) {
    const { objects, truncated } = await JOBS.list({ prefix: keys.results(id), startAfter });
    for (const { key } of objects) {
      const chunk = chunkOf(key);
      if (chunk === undefined) continue;
      if (chunk >= first + count) return found;
      found.push(key);
    }
    startAfter = objects.at(-1)?.key ?? '';
    if (!truncated) return found;
  }
}

interface EmbeddedImage {
  readonly image: string;
  readonly values: Float32Array;
}

/** The images of a chunk that have an embedding. @param key of its result */
export async function readEmbeddings({ JOBS }: JobsEnv, key: string): Promise<EmbeddedImage[]> {
  const text = (await (await JOBS.get(key))?.text()) ?? '';
  const lines = text.split('\n').filter((line) => line !== '');
  return lines
    .map((line) => JSON.parse(line) as JobLine)
    .flatMap((line) =>
      'embedding' in line ? { image: line.image, values: decodeEmbedding(line.embedding) } : [],
    );
}
