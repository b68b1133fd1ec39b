import { CHUNKS_PER_PAGE, type Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { type Job, type JobsEnv, keys, type Position, readJsonObject } from './job.ts';

/** A part of a job's source, which is listed or read once and then never changes. */
export interface Page {
  /** Keys of the bucket, or urls. */
  readonly images: readonly string[];
  /** Null at the end of the source. */
  readonly next: Position | null;
}

/** Bytes of a list of urls that are read for a page. */
const LIST_BYTES = 512 * 1024;

/** Where a job begins. */
export function startOf(job: Job): Position {
  return 'urls' in job.source ? { offset: 0 } : { after: '' };
}

/**
 * Makes a page, or reads it where it has been made: a step that is repeated goes on with the same
 * images, even if others have come into the bucket since.
 */
export async function makePage(
  env: JobsEnv,
  job: Job,
  number: number,
  position: Position,
  limits: Limits,
): Promise<Page> {
  const key = keys.page(job.id, number);
  const known = await readJsonObject<Page>(env.JOBS, key);
  if (known) return known;
  const most = limits.jobs.chunkImages * CHUNKS_PER_PAGE;
  const page =
    'offset' in position
      ? await readList(env.JOBS, job, position.offset, most)
      : await listBucket(env, job, position.after, most);
  const onlyIf = new Headers({ 'if-none-match': '*' });
  const written = await env.JOBS.put(key, JSON.stringify(page), { onlyIf });
  return written ? page : ((await readJsonObject<Page>(env.JOBS, key)) as Page);
}

/** The chunks of a page, by number. */
export function chunksOf(page: Page, number: number, { jobs }: Limits): number[] {
  const count = Math.ceil(page.images.length / jobs.chunkImages);
  return Array.from({ length: count }, (_, part) => number * CHUNKS_PER_PAGE + part);
}

/** The images of a chunk, from the page that it is a part of. */
export async function readChunk(
  bucket: R2Bucket,
  job: string,
  chunk: number,
  { jobs }: Limits,
): Promise<readonly string[]> {
  const key = keys.page(job, Math.floor(chunk / CHUNKS_PER_PAGE));
  const page = await readJsonObject<Page>(bucket, key);
  if (!page) throw new Error(`The bucket JOBS has no ${key}.`);
  const first = (chunk % CHUNKS_PER_PAGE) * jobs.chunkImages;
  return page.images.slice(first, first + jobs.chunkImages);
}

/** When a list was made that has a key; or whether none has it, or none has come to it yet. */
export type Listing = { readonly at: Date } | 'not listed' | 'not yet';

/**
 * Looks a key up in the lists that a job has made of its bucket, which ascend.
 *
 * @param pages as many as there may be
 */
export async function findListing(
  { JOBS }: JobsEnv,
  job: Job,
  pages: number,
  key: string,
): Promise<Listing> {
  let [first, end] = [0, pages];
  let isPassed = false;
  while (first < end) {
    const middle = (first + end) >> 1;
    const object = await JOBS.get(keys.page(job.id, middle));
    if (!object) {
      end = middle;
      continue;
    }
    const { images, next } = await object.json<Page>();
    if (next !== null && 'after' in next && compareKeys(next.after, key) < 0) {
      first = middle + 1;
      continue;
    }
    isPassed = true;
    if (images.includes(key)) return { at: object.uploaded };
    end = middle;
  }
  return isPassed ? 'not listed' : 'not yet';
}

/** The order of R2's lists: that of the bytes of UTF-8, which differs from that of strings beyond U+FFFF. */
function compareKeys(a: string, b: string): number {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  if (at < 0) return left.length - right.length;
  return (left[at] as number) - (right[at] ?? -1);
}

/** The bucket that a job names. @throws ProblemError `invalid_request` */
export function bucketOf(env: JobsEnv, name: string): R2Bucket {
  const bucket = env[`BUCKET_${name.toUpperCase().replaceAll('-', '_')}`];
  // The name comes from a request, and any binding could stand there.
  if (bucket && 'list' in bucket) return bucket;
  const names = Object.keys(env).filter((binding) => binding.startsWith('BUCKET_'));
  const known = names.map((binding) => binding.slice('BUCKET_'.length).toLowerCase()).join(', ');
  throw new ProblemError(
    'invalid_request',
    `The service has no such bucket of images; it has ${known || 'none, which its operator binds as BUCKET_<NAME>'}.`,
  );
}

async function listBucket(env: JobsEnv, job: Job, after: string, limit: number): Promise<Page> {
  const { bucket, prefix } = job.source as Extract<Job['source'], { bucket: string }>;
  const options: R2ListOptions = { prefix, limit, ...(after && { startAfter: after }) };
  const { objects, truncated } = await bucketOf(env, bucket).list(options);
  const last = objects.at(-1)?.key;
  return {
    // Some programs make a folder by an empty object of its name.
    images: objects.filter(({ key }) => !key.endsWith('/')).map(({ key }) => key),
    next: truncated && last !== undefined ? { after: last } : null,
  };
}

async function readList(bucket: R2Bucket, job: Job, offset: number, most: number): Promise<Page> {
  const { source, etag = '', listBytes = 0 } = job;
  const { urls } = source as Extract<Job['source'], { urls: string }>;
  if (offset >= listBytes) return { images: [], next: null };
  const length = Math.min(LIST_BYTES, listBytes - offset);
  const object = await bucket.get(urls, {
    range: { offset, length },
    onlyIf: { etagMatches: etag },
  });
  if (!object || !('body' in object)) {
    throw new JobFailure(`The list ${urls} was changed or deleted while the job ran.`);
  }
  const bytes = new Uint8Array(await object.arrayBuffer());
  const images: string[] = [];
  const decoder = new TextDecoder();
  let start = 0;
  while (start < bytes.length && images.length < most) {
    const found = bytes.indexOf(10, start);
    const isLast = found < 0 && offset + length >= listBytes;
    if (found < 0 && !isLast) break;
    const end = isLast ? bytes.length : found;
    const line = decoder.decode(bytes.subarray(start, end)).trim();
    if (line !== '') images.push(line);
    start = end + 1;
  }
  if (start === 0) {
    throw new JobFailure(
      `The list ${urls} must have a url a line, but has a line of more than ${LIST_BYTES} bytes.`,
    );
  }
  const end = offset + start;
  return { images, next: end < listBytes ? { offset: end } : null };
}

/** Ends a job for a reason that no retry of a step would change. */
export class JobFailure extends Error {}
