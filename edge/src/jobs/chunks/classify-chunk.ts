import type { JobLine } from 'shared/contract/responses';
import type { ChunkMessage } from '../../env.ts';
import type { Limits } from '../../limits.ts';
import { toProblem, toProblemError } from '../../problem.ts';
import {
  type Job,
  type JobsEnv,
  keys,
  readJsonObject,
  readMetadata,
  writeJsonObject,
  writeMetadata,
} from '../job.ts';
import { readChunk } from '../pages.ts';
import {
  beginChunk,
  type ChunkProgress,
  readProgress,
  recordFailure,
  recordStop,
  saveProgress,
  tallyOf,
} from './chunk-progress.ts';
import { openJob } from './open-job.ts';

/** `later`: a part is classified, and nothing failed; `retry`: a try of some images failed. */
export type ChunkOutcome =
  | { readonly is: 'done' }
  | { readonly is: 'later' | 'retry'; readonly delaySeconds: number };

const done: ChunkOutcome = { is: 'done' };

/**
 * Classifies the images of a chunk and writes their lines as one object. The same chunk may be delivered
 * any number of times, also at the same time: each delivery writes the same bytes.
 *
 * An image that ends the isolate, by its memory or its time, takes all others of its chunk with it. So a
 * chunk that comes again is classified image by image, and each is noted before it is begun.
 *
 * @param isRepeated whether the message was delivered before
 */
export async function classifyChunk(
  env: JobsEnv,
  message: ChunkMessage,
  isRepeated: boolean,
  limits: Limits,
): Promise<ChunkOutcome> {
  const work = await openChunk(env, message, limits);
  if (!work) return done;
  const { job, images, earlier } = work;
  const { chunk, run } = message;
  const progress = earlier ?? work.progress;
  const isCareful = isRepeated || earlier !== undefined;
  const save = () => saveProgress(env, job.id, chunk, run, progress);
  const { imageMs, retryDelayS } = limits.jobs;
  if (progress.current) {
    // Another delivery may be at it.
    if (Date.now() - progress.current.at < imageMs)
      return { is: 'later', delaySeconds: retryDelayS };
    blame(progress, images, limits);
  }

  const until = Date.now() + limits.jobs.chunkMs;
  const { find, compute } = await openJob(env, job, limits, until);
  const left = progress.images.entries();
  const classifyNext = async (): Promise<void> => {
    for (const [index, state] of left) {
      if (state.line) continue;
      if (Date.now() >= until) return;
      const image = images[index] as string;
      const attempt = <T>(work: () => Promise<T>) =>
        work().catch((error: unknown) => {
          if (toProblemError(error).code === 'internal') console.error(job.id, image, error);
          recordFailure(state, image, error, limits.jobs.maxTries);
        });
      const source = await attempt(() => find(image));
      if (!source) continue;
      if (isCareful) {
        progress.current = { index, at: Date.now() };
        await save();
      }
      const computed = await attempt(() => compute(source));
      if (computed) state.line = { image, ...computed };
    }
  };
  const concurrency = isCareful ? 1 : limits.batchConcurrency;
  await Promise.all(Array.from({ length: concurrency }, classifyNext));
  progress.current = undefined;

  const open = progress.images.filter(({ line }) => !line);
  if (open.length === 0) {
    await writeResult(env, work, message, settledLines(progress));
    if (isCareful) await env.JOBS.delete(keys.tries(job.id, chunk, run));
    return done;
  }
  await save();
  const tries = Math.max(...open.map(({ tries }) => tries));
  return tries === 0
    ? { is: 'later', delaySeconds: retryDelayS }
    : { is: 'retry', delaySeconds: retryDelayS * 3 ** (tries - 1) };
}

/** Settles a chunk that no delivery succeeded with, and keeps its message. A retry of the job replays it. */
export async function buryChunk(
  env: JobsEnv,
  message: ChunkMessage,
  limits: Limits,
): Promise<void> {
  const work = await openChunk(env, message, limits);
  if (!work) return;
  const { job, images, earlier } = work;
  const { chunk, run } = message;
  await writeJsonObject(env.JOBS, keys.dead(job.id, chunk, run), { ...message, at: Date.now() });
  const { images: states } = earlier ?? work.progress;
  const lines = states.map(({ line, problem }, index): JobLine => {
    const image = images[index] as string;
    return line ?? { image, problem: problem ?? toProblem(undefined) };
  });
  await writeResult(env, work, message, lines);
  if (earlier) await env.JOBS.delete(keys.tries(job.id, chunk, run));
}

interface OpenChunk {
  readonly job: Job;
  readonly images: readonly string[];
  readonly progress: ChunkProgress;
  /** What an earlier delivery left. */
  readonly earlier: ChunkProgress | undefined;
  /** The version of the result that this one replaces. */
  readonly replaces: string | undefined;
}

/** @returns undefined where there is nothing left to do */
async function openChunk(
  env: JobsEnv,
  { job: id, chunk, run }: ChunkMessage,
  limits: Limits,
): Promise<OpenChunk | undefined> {
  const [job, cancelled] = await Promise.all([
    readJsonObject<Job>(env.JOBS, keys.job(id)),
    env.JOBS.head(keys.cancelled(id)),
  ]);
  if (!job || cancelled) return undefined;
  const [images, result, earlier] = await Promise.all([
    readChunk(env.JOBS, id, chunk, limits),
    env.JOBS.get(keys.result(job, chunk)),
    readProgress(env, id, chunk, run),
  ]);
  if (result && readMetadata(result).run >= run) {
    await result.body.cancel();
    return undefined;
  }
  const before = result ? readLines(await result.text()) : [];
  return { job, images, progress: beginChunk(images, before), earlier, replaces: result?.etag };
}

function readLines(text: string): JobLine[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as JobLine);
}

function settledLines({ images }: ChunkProgress): JobLine[] {
  return images.flatMap(({ line }) => line ?? []);
}

/** The last delivery ended with an image in hand. */
function blame(progress: ChunkProgress, images: readonly string[], { jobs }: Limits): void {
  const { index = 0 } = progress.current ?? {};
  const state = progress.images[index];
  const image = images[index];
  progress.current = undefined;
  if (state && image !== undefined) recordStop(state, image, jobs.maxTries);
}

async function writeResult(
  { JOBS }: JobsEnv,
  { job, replaces }: OpenChunk,
  { chunk, run }: ChunkMessage,
  lines: readonly JobLine[],
): Promise<void> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  // Where another delivery has written it in the meantime, its result stays.
  const onlyIf = new Headers(replaces ? { 'if-match': `"${replaces}"` } : { 'if-none-match': '*' });
  await JOBS.put(keys.result(job, chunk), text, {
    onlyIf,
    httpMetadata: { contentType: 'application/x-ndjson' },
    customMetadata: writeMetadata({ run, tally: tallyOf(lines) }),
  });
}
