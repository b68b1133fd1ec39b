import type { JobLine, Problem } from 'shared/contract/responses';
import type { ProblemCode } from 'shared/contract/wire';
import { ProblemError, toProblem } from '../../problem.ts';
import { type JobsEnv, keys, readJsonObject, writeJsonObject } from '../job.ts';
import { nothing, type Tally } from '../tally.ts';

/** What an image of a chunk has so far. */
export interface ImageProgress {
  /** Set once it is settled. */
  line?: JobLine;
  tries: number;
  /** Isolates that ended with it in hand. */
  stops?: number;
  /** Of the last try. */
  problem?: Problem;
}

/** A chunk that did not succeed at its first delivery. */
export interface ChunkProgress {
  readonly images: ImageProgress[];
  /**
   * The image that was being classified, and since when, in milliseconds since 1970; the next delivery finds it
   * where that ended the isolate.
   */
  current?: { readonly index: number; readonly at: number } | undefined;
}

/** @param before the lines of an earlier run, of which those without a problem stay */
export function beginChunk(images: readonly string[], before: readonly JobLine[]): ChunkProgress {
  const known = new Map(before.map((line) => [line.image, line]));
  return {
    images: images.map((image) => {
      const line = known.get(image);
      return line && !('problem' in line) ? { line, tries: 0 } : { tries: 0 };
    }),
  };
}

/** Reads what the last delivery left, if it left anything. */
export async function readProgress(
  { JOBS }: JobsEnv,
  job: string,
  chunk: number,
  run: number,
): Promise<ChunkProgress | undefined> {
  return readJsonObject<ChunkProgress>(JOBS, keys.tries(job, chunk, run));
}

export function saveProgress(
  { JOBS }: JobsEnv,
  job: string,
  chunk: number,
  run: number,
  progress: ChunkProgress,
): Promise<void> {
  return writeJsonObject(JOBS, keys.tries(job, chunk, run), progress);
}

/** Problems that the next try may be without. Those of the image itself stay. */
const passing: ReadonlySet<ProblemCode> = new Set([
  'fetch_failed',
  'fetch_timeout',
  'internal',
  'overloaded',
]);

/** Counts a try that failed, and settles the image where it was the last one. */
export function recordFailure(
  progress: ImageProgress,
  image: string,
  error: unknown,
  maxTries: number,
): void {
  const problem = toProblem(error);
  progress.problem = problem;
  // The host is busy with other images, so this was no try.
  if (problem.code === 'rate_limited') return;
  progress.tries += 1;
  if (!passing.has(problem.code) || progress.tries >= maxTries) progress.line = { image, problem };
}

/**
 * Counts an isolate that ended with an image in hand, and settles it where it was the last one. An isolate may end
 * for other reasons, so this counts apart from what the image's host fails.
 */
export function recordStop(progress: ImageProgress, image: string, maxStops: number): void {
  progress.stops = (progress.stops ?? 0) + 1;
  if (progress.stops < maxStops) return;
  const problem = toProblem(
    new ProblemError(
      'internal',
      'The service stopped while it classified this image, which may take more memory or time than it has.',
    ),
  );
  progress.line = { image, problem };
}

export function tallyOf(lines: readonly JobLine[]): Tally {
  const problems: Partial<Record<ProblemCode, number>> = {};
  for (const line of lines) {
    if (!('problem' in line)) continue;
    const { code } = line.problem;
    problems[code] = (problems[code] ?? 0) + 1;
  }
  return { ...nothing, images: lines.length, problems };
}
