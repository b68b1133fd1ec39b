import type { Limits } from '../limits.ts';
import { beforeChunk, chunkOf, type Job, type JobsEnv, keys } from './job.ts';

/** Where a part of a job's results begins: after a chunk, or after an image that came later. */
export interface ResultsPosition {
  readonly after?: number | undefined;
  /** The name of its object; empty for the first one. */
  readonly later?: string | undefined;
}

/** A part of a job's results. */
export interface Results {
  /** A line of JSON an image. */
  readonly body: ReadableStream<Uint8Array>;
  /** Where the next part begins; undefined at the end of what there is. */
  readonly next: ResultsPosition | undefined;
}

export async function readResults(
  env: JobsEnv,
  job: Job,
  { after, later }: ResultsPosition,
  { jobs }: Limits,
): Promise<Results> {
  const limit = jobs.chunksPerResponse;
  if (later !== undefined) {
    const prefix = keys.later(job.id);
    const startAfter = prefix + later;
    const { objects, truncated } = await env.JOBS.list({ prefix, startAfter, limit });
    const names = objects.map(({ key }) => key);
    const last = names.at(-1)?.slice(prefix.length);
    return { body: streamOf(env, names), next: truncated ? { later: last } : undefined };
  }
  const startAfter = beforeChunk(job.id, after === undefined ? 0 : after + 1);
  const listed = await env.JOBS.list({ prefix: keys.results(job.id), startAfter, limit });
  const results = listed.objects.filter(({ key }) => chunkOf(key) !== undefined);
  const last = results.at(-1);
  const afterAll = job.follow ? { later: '' } : undefined;
  return {
    body: streamOf(
      env,
      results.map(({ key }) => key),
    ),
    next: listed.truncated && last ? { after: chunkOf(last.key) } : afterAll,
  };
}

function streamOf({ JOBS }: JobsEnv, names: readonly string[]): Results['body'] {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const write = async (): Promise<void> => {
    for (const name of names) {
      const object = await JOBS.get(name);
      await object?.body.pipeTo(writable, { preventClose: true });
    }
    await writable.close();
  };
  // A client that leaves ends it.
  write().catch((error: unknown) => writable.abort(error).catch(() => undefined));
  return readable;
}
