import type { Limits } from '../limits.ts';
import { beforeChunk, chunkOf, type Job, type JobsEnv, keys } from './job.ts';

/** A part of a job's results. */
export interface Results {
  /** A line of JSON an image. */
  readonly body: ReadableStream<Uint8Array>;
  /** The chunk after which the next part begins; undefined at the end of what there is. */
  readonly next: number | undefined;
}

/** @param after the chunk after which the part begins */
export async function readResults(
  env: JobsEnv,
  job: Job,
  after: number | undefined,
  { jobs }: Limits,
): Promise<Results> {
  const { objects, truncated } = await env.JOBS.list({
    prefix: keys.results(job.id),
    startAfter: beforeChunk(job.id, after === undefined ? 0 : after + 1),
    limit: jobs.chunksPerResponse,
  });
  const results = objects.filter(({ key }) => chunkOf(key) !== undefined);
  const last = results.at(-1);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const write = async (): Promise<void> => {
    for (const { key } of results) {
      const object = await env.JOBS.get(key);
      await object?.body.pipeTo(writable, { preventClose: true });
    }
    await writable.close();
  };
  // A client that leaves ends it.
  write().catch((error: unknown) => writable.abort(error).catch(() => undefined));
  return { body: readable, next: truncated && last ? chunkOf(last.key) : undefined };
}
