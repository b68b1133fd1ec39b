import type { JobRequest } from 'shared/contract/jobs';
import type { JobResponse } from 'shared/contract/responses';
import { type Caller, requireKey } from '../access/identify-caller.ts';
import { readSettings } from '../access/settings.ts';
import type { Limits } from '../limits.ts';
import { resolveModel } from '../models/models-index.ts';
import { ProblemError } from '../problem.ts';
import { lookUpJob, type ReadJob, replaceState } from './advance-job.ts';
import { followBucket } from './following/followers.ts';
import { type Job, type JobState, type JobsEnv, keys, writeJsonObject } from './job.ts';
import { bucketOf, startOf } from './pages.ts';
import { pinModel } from './pin-model.ts';
import { priceOf } from './price.ts';
import { revive, startInstance } from './supervise-job.ts';
import { failedOf, nothing } from './tally.ts';

/**
 * The key of a request for jobs. These cost money, so they need a key even where the service is open.
 *
 * @throws ProblemError `misconfigured`, `unauthorized`
 */
export function keyHashOf(env: JobsEnv, caller: Caller): string {
  return requireKey(caller, readSettings(env), 'Jobs');
}

/**
 * Starts a job.
 *
 * @param origin of the request
 * @throws ProblemError `invalid_request`, `unknown_model`, `rate_limited`
 */
export async function startJob(
  env: JobsEnv,
  { source, model: reference, top, follow, index }: JobRequest,
  keyHash: string,
  origin: string,
  limits: Limits,
): Promise<JobResponse> {
  if (index !== undefined) refuseIndex(env, follow);
  if (follow) await refuseFollowing(env, source, keyHash, limits);
  const list = await checkSource(env, source);
  const model = await resolveModel(env, reference);
  await refuseTooMany(env, keyHash, limits);
  await pinModel(env, model);
  const id = crypto.randomUUID();
  const now = Date.now();
  const job: Job = {
    id,
    source,
    ...(list && { etag: list.etag, listBytes: list.size }),
    model: { id: model.id, version: model.version },
    top,
    keyHash,
    origin,
    createdAt: now,
    follow,
    ...(index !== undefined && { index }),
  };
  const state: JobState = {
    status: 'running',
    run: 0,
    part: 0,
    next: startOf(job),
    pages: 0,
    waiting: {},
    found: 0,
    tally: nothing,
    messages: 0,
    rounds: 0,
    runStartedAt: now,
    runImages: 0,
    indexSteps: 0,
    progressAt: now,
    updatedAt: now,
    follows: follow,
  };
  await writeJsonObject(env.JOBS, keys.job(id), job);
  await writeJsonObject(env.JOBS, keys.state(id), state);
  if (follow) await followBucket(env, job);
  await begin(env, job, state);
  return describe(job, state);
}

/** @throws ProblemError `not_found` also where the job is another key's */
export async function findJob(env: JobsEnv, id: string, keyHash: string): Promise<ReadJob> {
  const isId = /^[0-9a-f-]{36}$/.test(id);
  const found = isId ? await lookUpJob(env, id) : undefined;
  if (found?.job.keyHash === keyHash) return found;
  throw new ProblemError('not_found', 'This key has no such job.');
}

/** How far a job is. */
export async function showJob(
  env: JobsEnv,
  id: string,
  keyHash: string,
  limits: Limits,
): Promise<JobResponse> {
  const found = await findJob(env, id, keyHash);
  await revive(env, id, found, limits);
  return describe(found.job, found.state);
}

/**
 * Ends a job soon; the chunks that are being classified are finished. One that is done and follows its bucket
 * does so no longer.
 *
 * @throws ProblemError `conflict`
 */
export async function cancelJob(env: JobsEnv, id: string, keyHash: string): Promise<JobResponse> {
  const { job, state, etag } = await findJob(env, id, keyHash);
  if (state.status === 'done' && state.follows) {
    const ended: JobState = { ...state, follows: false };
    if (!(await replaceState(env, id, ended, etag)))
      throw notNow(state, 'it was changed meanwhile');
    await env.JOBS.delete(keys.following(keyHash, id));
    return describe(job, ended);
  }
  if (state.status !== 'running') throw notNow(state, 'only a running job can be cancelled');
  await env.JOBS.put(keys.cancelled(id), '');
  return describe(job, state);
}

/** Classifies again what failed. @throws ProblemError `conflict`, `rate_limited` */
export async function retryJob(
  env: JobsEnv,
  id: string,
  keyHash: string,
  limits: Limits,
): Promise<JobResponse> {
  const { job, state, etag } = await findJob(env, id, keyHash);
  if (state.status !== 'done')
    throw notNow(state, 'only what failed in a job that is done can be retried');
  await refuseTooMany(env, keyHash, limits);
  const now = Date.now();
  const next: JobState = {
    ...state,
    status: 'running',
    run: state.run + 1,
    part: state.part + 1,
    next: { after: '' },
    runStartedAt: now,
    runImages: 0,
    indexSteps: 0,
    progressAt: now,
    updatedAt: now,
  };
  if (!(await replaceState(env, id, next, etag))) throw notNow(next, 'it was changed meanwhile');
  await begin(env, job, next);
  return describe(job, next);
}

async function begin(env: JobsEnv, { id, keyHash }: Job, state: JobState): Promise<void> {
  await env.JOBS.put(keys.running(keyHash, id), '');
  await startInstance(env, { job: id, part: state.part });
}

/** @returns the list of urls, where that is the source */
async function checkSource(
  env: JobsEnv,
  source: JobRequest['source'],
): Promise<R2Object | undefined> {
  if ('bucket' in source) {
    bucketOf(env, source.bucket);
    return undefined;
  }
  const list = /^urls\//.test(source.urls) ? await env.JOBS.head(source.urls) : null;
  if (list) return list;
  throw new ProblemError(
    'invalid_request',
    'The bucket of the jobs must have the list of urls, a url a line, under a key that begins with urls/.',
  );
}

async function refuseTooMany(env: JobsEnv, keyHash: string, { jobs }: Limits): Promise<void> {
  const limit = jobs.maxRunning;
  const { objects } = await env.JOBS.list({ prefix: keys.running(keyHash), limit });
  if (objects.length < limit) return;
  throw new ProblemError(
    'rate_limited',
    `This key has ${limit} jobs that run, which is the most; wait for one or cancel it.`,
    { headers: { 'retry-after': '60' } },
  );
}

/** @throws ProblemError `invalid_request`, `misconfigured` */
function refuseIndex({ SEARCH }: JobsEnv, follow: boolean): void {
  if (!SEARCH) {
    throw new ProblemError(
      'misconfigured',
      'This service has no bucket SEARCH, in which indexes are; its operator must correct it.',
    );
  }
  if (!follow) return;
  throw new ProblemError(
    'invalid_request',
    'Expected an index or follow, since an index has what its bucket has when the job lists it; start another job to renew it.',
  );
}

/** @throws ProblemError `invalid_request`, `rate_limited` */
async function refuseFollowing(
  env: JobsEnv,
  source: JobRequest['source'],
  keyHash: string,
  { jobs }: Limits,
): Promise<void> {
  if ('urls' in source) {
    throw new ProblemError(
      'invalid_request',
      'Expected a bucket with follow, since nothing says what comes later to a list of urls.',
    );
  }
  const limit = jobs.maxFollowing;
  const prefix = `${keys.following(keyHash)}`;
  const { objects } = await env.JOBS.list({ prefix, limit });
  if (objects.length < limit) return;
  throw new ProblemError(
    'rate_limited',
    `This key has ${limit} jobs that follow their buckets, which is the most; cancel one.`,
  );
}

function notNow({ status }: JobState, rule: string): ProblemError {
  return new ProblemError('conflict', `The job is ${status}; ${rule}.`);
}

function describe({ id, model, top, source, createdAt, index }: Job, state: JobState): JobResponse {
  const { status, reason, tally, found, next, run, updatedAt, runStartedAt, runImages } = state;
  const isComplete = next === null || run > 0;
  const seconds = (updatedAt - runStartedAt) / 1000;
  const imagesPerSecond = seconds > 0 ? runImages / seconds : 0;
  const left = run > 0 ? failedWaiting(state) : found - tally.images;
  const isKnown = status === 'running' && isComplete && imagesPerSecond > 0;
  const { total } = priceOf({ ...state, images: tally.images, isBucket: 'bucket' in source });
  return {
    id,
    status,
    ...(reason !== undefined && { reason }),
    model: `${model.id}@${model.version}`,
    top,
    source,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    images: { found, isComplete, done: tally.images, failed: failedOf(tally) },
    problems: { ...tally.problems },
    imagesPerSecond: Math.round(imagesPerSecond * 10) / 10,
    secondsLeft: isKnown ? Math.ceil(left / imagesPerSecond) : null,
    usd: Math.round(total * 1e6) / 1e6,
    follows: state.follows,
    ...(index !== undefined && { index }),
  };
}

/** Images that a retry has still to classify. */
function failedWaiting({ waiting }: JobState): number {
  return Object.values(waiting).reduce((sum, tally) => sum + failedOf(tally), 0);
}
