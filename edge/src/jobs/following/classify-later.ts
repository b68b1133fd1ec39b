import type { JobLine } from 'shared/contract/responses';
import { sha256Hex } from '../../access/sha256-hex.ts';
import type { ObjectEvent } from '../../env.ts';
import type { Limits } from '../../limits.ts';
import { ProblemError } from '../../problem.ts';
import { lookUpJob, type ReadJob } from '../advance-job.ts';
import { type ImageProgress, recordFailure } from '../chunks/chunk-progress.ts';
import type { ChunkOutcome } from '../chunks/classify-chunk.ts';
import { openJob } from '../chunks/open-job.ts';
import { type Job, type JobsEnv, keys } from '../job.ts';
import { bucketOf, findListing } from '../pages.ts';
import { followersOf } from './followers.ts';

/** What makes an object or replaces it. @see https://developers.cloudflare.com/r2/buckets/event-notifications/#event-types */
const COMING: ReadonlySet<string> = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload']);

const done: ChunkOutcome = { is: 'done' };

/** How often a message was delivered, and whether no delivery is to follow. */
interface Delivery {
  readonly attempts: number;
  readonly isLast: boolean;
}

/**
 * Classifies an image that has come into a bucket, for each job that follows it. The line is written under
 * the hash of its key, so that a message may be delivered any number of times.
 */
export async function classifyLater(
  env: JobsEnv,
  event: ObjectEvent,
  delivery: Delivery,
  limits: Limits,
): Promise<ChunkOutcome> {
  if (!COMING.has(event.action)) return done;
  let outcome = done;
  for (const { job: id, bucket } of await followersOf(env, event)) {
    const object = await bucketOf(env, bucket).head(event.object.key);
    // It is of another bucket, or gone, or has been replaced, of which another message tells.
    if (object?.etag !== event.object.eTag || !object) continue;
    const found = await lookUpJob(env, id);
    if (!found?.state.follows) continue;
    const one = await classifyFor(env, found, object, delivery, limits);
    if (one.is !== 'done') outcome = one;
  }
  return outcome;
}

async function classifyFor(
  env: JobsEnv,
  { job, state }: ReadJob,
  object: R2Object,
  { attempts, isLast }: Delivery,
  limits: Limits,
): Promise<ChunkOutcome> {
  const { maxTries, retryDelayS, chunkMs } = limits.jobs;
  const isListing = state.status === 'running' && state.run === 0 && state.next !== null;
  const later: ChunkOutcome = { is: 'retry', delaySeconds: retryDelayS };
  // A list that has just been asked for may lack it, and is not written yet.
  if (isListing && attempts === 1) return later;
  const listing = await findListing(env, job, state.pages + limits.jobs.pagesPerStep, object.key);
  if (isListing && listing === 'not yet') return done;
  if (typeof listing === 'object' && object.uploaded <= listing.at) return done;

  const progress: ImageProgress = { tries: Math.max(0, attempts - 1 - Number(isListing)) };
  const fail = (error: unknown) =>
    recordFailure(progress, object.key, error, isLast ? 0 : maxTries);
  if (isLast || progress.tries >= maxTries) {
    fail(new ProblemError('internal', 'The service stopped each time it classified this image.'));
  } else {
    try {
      const { find, compute } = await openJob(env, job, limits, Date.now() + chunkMs);
      const source = await find(object.key);
      if (source) progress.line = { image: object.key, ...(await compute(source)) };
    } catch (error) {
      fail(error);
    }
  }
  if (!progress.line) return later;
  await writeLine(env, job, progress.line);
  return done;
}

async function writeLine({ JOBS }: JobsEnv, { id, model }: Job, line: JobLine): Promise<void> {
  const name = `${await sha256Hex(line.image)}@${model.version}.ndjson`;
  await JOBS.put(keys.later(id, name), `${JSON.stringify(line)}\n`, {
    httpMetadata: { contentType: 'application/x-ndjson' },
  });
}
