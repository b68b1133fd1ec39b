import type { JobSource } from 'shared/contract/jobs';
import type { ChunkMessage, Env, JobParams } from '../env.ts';
import { ProblemError } from '../problem.ts';
import type { Tally } from './tally.ts';

// The objects in the bucket JOBS:
//
//   jobs/<job>/job.json              what was asked, and never changes
//   jobs/<job>/state.json            how far it is; only its Workflow and a retry write it
//   jobs/<job>/cancelled             is there once it is to end
//   jobs/<job>/pages/<page>.json     the keys or urls of ten chunks
//   jobs/<job>/tries/<chunk>.json    of a chunk that did not succeed at once: what each image has so far
//   jobs/<job>/dead/<chunk>.json     of a chunk that no delivery succeeded with
//   jobs/<job>/index/<run>/<part>    an index of some of its images, of which that in the bucket SEARCH is joined
//   results/<job>/<chunk>@<version>  a line of JSON an image
//   results/<job>/manifest.json      what there is, once the job has ended
//   later/<job>/<hash>@<version>     the line of an image that came later, by the hash of its key
//   running/<key hash>/<job>         one for each job of a key that runs
//   following/<key hash>/<job>       one for each job that classifies what comes later
//   models/<id>@<version>/           the models of jobs

/** What was asked of a job. It never changes. */
export interface Job {
  readonly id: string;
  readonly source: JobSource;
  /** The version of the list of urls. */
  readonly etag?: string;
  /** The size of that list in bytes. */
  readonly listBytes?: number;
  readonly model: { readonly id: string; readonly version: string };
  readonly top: number;
  /** SHA-256 of the key that started it, to which it belongs. */
  readonly keyHash: string;
  /** Of the request that started it. */
  readonly origin: string;
  readonly createdAt: number;
  /** Whether it is to classify what comes into its bucket later. */
  readonly follow: boolean;
  /** The name of the index that it makes of its images, whose embeddings it computes. */
  readonly index?: string;
}

/** Where the next page of a job begins: after a key of the bucket or of the results, or at a byte of the list. */
export type Position = { readonly after: string } | { readonly offset: number };

/** How far a job is. */
export interface JobState {
  readonly status: 'running' | 'done' | 'cancelled' | 'failed';
  readonly reason?: string;
  /** 0, and one more for each retry of what failed. */
  readonly run: number;
  /** The last Workflow instance that goes on with it. */
  readonly part: number;
  /** Null when every chunk of this run has been enqueued. */
  readonly next: Position | null;
  readonly pages: number;
  /** Chunks that were enqueued and have no result of this run, with what they counted before it. */
  readonly waiting: Readonly<Record<number, Tally>>;
  /** Images of the source, as far as it is known. */
  readonly found: number;
  readonly tally: Tally;
  /** Messages of all runs, for the price. */
  readonly messages: number;
  readonly rounds: number;
  readonly runStartedAt: number;
  /** Images that this run has classified. */
  readonly runImages: number;
  /** Steps of this run towards the index. */
  readonly indexSteps: number;
  /** When a result last came, or messages were last sent. */
  readonly progressAt: number;
  readonly updatedAt: number;
  /** Whether images that come into the bucket later are classified too, even when the rest is done. */
  readonly follows: boolean;
}

/** The bindings that jobs need. `BUCKET_PHOTOS` is `{"bucket": "photos"}` of a request. */
export type JobsEnv = Env & {
  readonly JOBS: R2Bucket;
  readonly JOBS_QUEUE: Queue<ChunkMessage>;
  readonly JOBS_WORKFLOW: Workflow<JobParams>;
  readonly [bucket: `BUCKET_${string}`]: R2Bucket | undefined;
};

/** @throws ProblemError `not_found` where the service has no jobs */
export function withJobs(env: Env): JobsEnv {
  if (env.JOBS && env.JOBS_QUEUE && env.JOBS_WORKFLOW) return env as JobsEnv;
  throw new ProblemError(
    'not_found',
    'This service has no jobs; its operator turns them on with graft deploy --jobs.',
  );
}

/** Ten digits sort as numbers do. */
const padded = (number: number): string => `${number}`.padStart(10, '0');

export const keys = {
  job: (job: string) => `jobs/${job}/job.json`,
  state: (job: string) => `jobs/${job}/state.json`,
  cancelled: (job: string) => `jobs/${job}/cancelled`,
  page: (job: string, page: number) => `jobs/${job}/pages/${padded(page)}.json`,
  tries: (job: string, chunk: number, run: number) =>
    `jobs/${job}/tries/${padded(chunk)}-${run}.json`,
  dead: (job: string, chunk: number, run: number) =>
    `jobs/${job}/dead/${padded(chunk)}-${run}.json`,
  indexPart: (job: string, run: number, part: number | 'start') =>
    `jobs/${job}/index/${run}/${part}.index`,
  results: (job: string) => `results/${job}/`,
  result: ({ id, model }: Job, chunk: number) =>
    `results/${id}/${padded(chunk)}@${model.version}.ndjson`,
  manifest: (job: string) => `results/${job}/manifest.json`,
  running: (keyHash: string, job = '') => `running/${keyHash}/${job}`,
  later: (job: string, name = '') => `later/${job}/${name}`,
  following: (keyHash = '', job = '') => `following/${keyHash && `${keyHash}/${job}`}`,
  model: ({ id, version }: Job['model']) => `models/${id}@${version}`,
} as const;

/** Every result before that of a chunk sorts up to this key. */
export function beforeChunk(job: string, chunk: number): string {
  return `results/${job}/${padded(chunk)}`;
}

/** The number of the chunk that a result is of; undefined for the manifest. */
export function chunkOf(resultKey: string): number | undefined {
  const [, digits] = /\/(\d{10})@[^/]+$/.exec(resultKey) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** @returns undefined where there is no such object */
export async function readJsonObject<T>(bucket: R2Bucket, key: string): Promise<T | undefined> {
  const object = await bucket.get(key);
  return object ? object.json<T>() : undefined;
}

export async function writeJsonObject(
  bucket: R2Bucket,
  key: string,
  value: unknown,
): Promise<void> {
  await bucket.put(key, JSON.stringify(value), {
    httpMetadata: { contentType: 'application/json' },
  });
}

/** What is written beside a result, so that a list of results counts them. */
export interface ResultMetadata {
  readonly run: number;
  readonly tally: Tally;
}

export function readMetadata(object: R2Object): ResultMetadata {
  return JSON.parse(object.customMetadata?.['graft'] ?? '') as ResultMetadata;
}

export function writeMetadata(metadata: ResultMetadata): Record<string, string> {
  return { graft: JSON.stringify(metadata) };
}
