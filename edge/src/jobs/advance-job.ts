import type { ChunkMessage, JobParams } from '../env.ts';
import type { Limits } from '../limits.ts';
import { advanceIndex } from './indexing/advance-index.ts';
import {
  beforeChunk,
  chunkOf,
  type Job,
  type JobState,
  type JobsEnv,
  keys,
  readJsonObject,
  readMetadata,
  writeJsonObject,
} from './job.ts';
import { chunksOf, JobFailure, makePage } from './pages.ts';
import { combine, failedOf, nothing, type Tally } from './tally.ts';

type Draft = { -readonly [Name in keyof JobState]: JobState[Name] } & {
  waiting: Record<number, Tally>;
};

/** Messages that one call may send. */
const MESSAGES_PER_SEND = 100;

/**
 * One step of a job: counts the results that have come, enqueues more chunks where there is room, and
 * writes how far the job is. It may be repeated at any point: pages and results are the same again, and a
 * message that is sent twice finds its result written.
 *
 * @returns the state that it wrote
 */
export async function advanceJob(
  env: JobsEnv,
  { job: id, part }: JobParams,
  limits: Limits,
): Promise<JobState> {
  const { job, state: last, etag } = await readJob(env, id);
  if (last.status !== 'running' || last.part > part) return last;
  const state: Draft = { ...last, part, waiting: { ...last.waiting } };
  try {
    await countResults(env, job, state);
    if (await env.JOBS.head(keys.cancelled(id))) state.status = 'cancelled';
    else {
      await enqueue(env, job, state, limits);
      if (isComputed(state) && (await advanceIndex(env, job, state, limits))) state.status = 'done';
    }
  } catch (error) {
    // Any other error repeats the step.
    if (!(error instanceof JobFailure)) throw error;
    Object.assign(state, { status: 'failed', reason: error.message });
  }
  state.rounds += 1;
  state.updatedAt = Date.now();
  if (state.status !== 'running') {
    if (state.status !== 'done') state.follows = false;
    await endJob(env, job, state);
  }
  // Otherwise the step is repeated, and finds what another instance has written.
  if (!(await replaceState(env, id, state, etag)))
    throw new Error('The state was written meanwhile.');
  return state;
}

export interface ReadJob {
  readonly job: Job;
  readonly state: JobState;
  /** Of the state. */
  readonly etag: string;
}

async function readJob(env: JobsEnv, id: string): Promise<ReadJob> {
  const read = await lookUpJob(env, id);
  if (read) return read;
  throw new Error(`The bucket JOBS has no job ${id}.`);
}

/** @returns undefined where there is no such job */
export async function lookUpJob({ JOBS }: JobsEnv, id: string): Promise<ReadJob | undefined> {
  const [job, written] = await Promise.all([
    readJsonObject<Job>(JOBS, keys.job(id)),
    JOBS.get(keys.state(id)),
  ]);
  return job && written
    ? { job, state: await written.json<JobState>(), etag: written.etag }
    : undefined;
}

/** @returns whether the state was still the one that had been read */
export async function replaceState(
  { JOBS }: JobsEnv,
  id: string,
  state: JobState,
  etag: string,
): Promise<boolean> {
  const options = { onlyIf: { etagMatches: etag } };
  return (await JOBS.put(keys.state(id), JSON.stringify(state), options)) !== null;
}

/** Ends a job whose Workflow cannot go on. */
export async function failJob(env: JobsEnv, id: string, reason: string): Promise<void> {
  const { job, state, etag } = await readJob(env, id);
  if (state.status !== 'running') return;
  const failed: JobState = {
    ...state,
    status: 'failed',
    reason,
    updatedAt: Date.now(),
    follows: false,
  };
  await endJob(env, job, failed);
  await replaceState(env, id, failed, etag);
}

/** Writes what there is, and makes room for another job of the same key. */
async function endJob({ JOBS }: JobsEnv, job: Job, state: JobState): Promise<void> {
  const { status, reason, tally, run } = state;
  await writeJsonObject(JOBS, keys.manifest(job.id), {
    job: job.id,
    status,
    reason,
    model: `${job.model.id}@${job.model.version}`,
    source: job.source,
    top: job.top,
    runs: run + 1,
    images: tally.images,
    failed: failedOf(tally),
    problems: tally.problems,
    results: `${keys.results(job.id)}*.ndjson`,
    ...(state.follows && { later: `${keys.later(job.id)}*.ndjson` }),
    ...(job.index !== undefined && { index: `${job.index}.index` }),
    endedAt: new Date(state.updatedAt).toISOString(),
  });
  await JOBS.delete(keys.running(job.keyHash, job.id));
  if (!state.follows) await JOBS.delete(keys.following(job.keyHash, job.id));
}

/** Lists the results from the first chunk that is waited for to the last one. */
async function countResults({ JOBS }: JobsEnv, job: Job, state: Draft): Promise<void> {
  const waiting = Object.keys(state.waiting).map(Number);
  if (waiting.length === 0) return;
  const first = waiting.reduce((a, b) => Math.min(a, b));
  const last = waiting.reduce((a, b) => Math.max(a, b));
  let startAfter = beforeChunk(job.id, first);
  while (true) {
    const listed = await JOBS.list({
      prefix: keys.results(job.id),
      startAfter,
      include: ['customMetadata'],
    });
    for (const object of listed.objects) {
      const chunk = chunkOf(object.key);
      const before = chunk === undefined ? undefined : state.waiting[chunk];
      if (chunk === undefined || !before) continue;
      const { run, tally } = readMetadata(object);
      if (run < state.run) continue;
      delete state.waiting[chunk];
      state.tally = combine(state.tally, combine(tally, before, -1));
      state.runImages += before.images > 0 ? failedOf(before) : tally.images;
      state.progressAt = Date.now();
    }
    startAfter = listed.objects.at(-1)?.key ?? '';
    if (!listed.truncated || (chunkOf(startAfter) ?? 0) >= last) return;
  }
}

async function enqueue(env: JobsEnv, job: Job, state: Draft, limits: Limits): Promise<void> {
  const { stalledMs, pagesPerStep } = limits.jobs;
  const chunks: number[] = [];
  if (Date.now() - state.progressAt > stalledMs)
    chunks.push(...Object.keys(state.waiting).map(Number));
  for (let i = 0; i < pagesPerStep && state.next && hasRoom(job, state, limits); i++) {
    chunks.push(...(await (state.run === 0 ? nextPage : nextFailures)(env, job, state, limits)));
  }
  const messages = chunks.map((chunk) => ({
    body: { job: job.id, chunk, run: state.run } satisfies ChunkMessage,
    contentType: 'json' as const,
  }));
  for (let i = 0; i < messages.length; i += MESSAGES_PER_SEND) {
    await env.JOBS_QUEUE.sendBatch(messages.slice(i, i + MESSAGES_PER_SEND));
  }
  state.messages += messages.length;
  if (messages.length > 0) state.progressAt = Date.now();
}

function isComputed({ next, waiting }: Draft): boolean {
  return !next && Object.keys(waiting).length === 0;
}

function hasRoom({ source }: Job, { waiting }: Draft, { jobs }: Limits): boolean {
  const most = 'urls' in source ? jobs.maxWaitingUrlChunks : jobs.maxWaitingChunks;
  return Object.keys(waiting).length < most;
}

/** @returns the chunks of the next page of the source */
async function nextPage(
  env: JobsEnv,
  job: Job,
  state: Draft,
  limits: Limits,
): Promise<readonly number[]> {
  if (!state.next) return [];
  const number = state.pages;
  const page = await makePage(env, job, number, state.next, limits);
  const chunks = chunksOf(page, number, limits);
  state.pages += 1;
  state.next = page.next;
  state.found += page.images.length;
  if (job.index !== undefined && state.found > limits.jobs.indexing.maxImages) {
    throw new JobFailure(
      `Expected at most ${limits.jobs.indexing.maxImages} images for an index, but the source has more: start a job for each of several prefixes.`,
    );
  }
  for (const chunk of chunks) state.waiting[chunk] = nothing;
  return chunks;
}

/** @returns the next chunks with an image that failed in an earlier run */
async function nextFailures({ JOBS }: JobsEnv, job: Job, state: Draft): Promise<readonly number[]> {
  if (!state.next || !('after' in state.next)) return [];
  const { objects, truncated } = await JOBS.list({
    prefix: keys.results(job.id),
    startAfter: state.next.after,
    include: ['customMetadata'],
  });
  const last = objects.at(-1)?.key;
  state.next = truncated && last !== undefined ? { after: last } : null;
  return objects.flatMap((object) => {
    const chunk = chunkOf(object.key);
    if (chunk === undefined) return [];
    const { tally, run } = readMetadata(object);
    if (failedOf(tally) === 0 || run >= state.run) return [];
    state.waiting[chunk] = tally;
    return [chunk];
  });
}
