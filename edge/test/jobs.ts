import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { type JobLine, type JobResponse, jobResponse, problem } from 'shared/contract/responses';
import { beforeEach, expect, inject, vi } from 'vitest';
import { sha256Hex } from '../src/access/sha256-hex.ts';
import { createApp } from '../src/app.ts';
import type { ChunkMessage, Env, JobParams, ObjectEvent } from '../src/env.ts';
import { advanceJob } from '../src/jobs/advance-job.ts';
import { consume } from '../src/jobs/consume.ts';
import type { JobsEnv } from '../src/jobs/job.ts';
import { defaultLimits, type Limits } from '../src/limits.ts';
import { jobsRoutes } from '../src/routes/jobs.ts';
import { similarRoutes } from '../src/routes/search/similar.ts';
import { ask } from './ask.ts';

// The routes, the steps of the Workflow and the consumer, with a queue that the tests deliver by hand.

export const host = inject('imageHost');
export const limits: Limits = {
  ...defaultLimits,
  jobs: {
    ...defaultLimits.jobs,
    chunkImages: 3,
    maxRunning: 2,
    maxFollowing: 1,
    hostIntervalMs: 0,
    imageMs: 0,
  },
};
export const app = createApp(limits, jobsRoutes(limits), similarRoutes(limits));
export const { TEST_JOBS, TEST_PHOTOS, TEST_SEARCH } = env;

/** The messages that are not yet delivered. */
export const sent: ChunkMessage[] = [];
/** The Workflow's instances. */
export const started: JobParams[] = [];
export const bindings = {} as { -readonly [Name in keyof JobsEnv]: JobsEnv[Name] };

/** Empties the buckets and the queue before each test of a file. */
export function clearJobs(): void {
  beforeEach(async () => {
    vi.restoreAllMocks();
    for (const bucket of [TEST_JOBS, TEST_PHOTOS, TEST_SEARCH]) {
      for (const { key } of (await bucket.list()).objects) await bucket.delete(key);
    }
    sent.length = 0;
    started.length = 0;
    for (const name of Object.keys(bindings)) Reflect.deleteProperty(bindings, name);
    Object.assign(bindings, {
      ...env,
      ALLOW_LOOPBACK: '1',
      API_KEY_HASHES: [await sha256Hex('mine'), await sha256Hex('theirs')].join(),
      JOBS: TEST_JOBS,
      SEARCH: TEST_SEARCH,
      BUCKET_PHOTOS: TEST_PHOTOS,
      JOBS_QUEUE: {
        send: async (message: ChunkMessage) => sent.push(message),
        sendBatch: async (messages: { body: ChunkMessage }[]) =>
          sent.push(...messages.map(({ body }) => body)),
      },
      JOBS_WORKFLOW: {
        create: async ({ params }: { params: JobParams }) => started.push(params),
      },
    });
  });
}

export async function call(
  path: string,
  { key = 'mine', body, method }: { key?: string; body?: unknown; method?: string } = {},
  others: Partial<Env> = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const init = { method: method ?? (body ? 'POST' : 'GET'), headers };
  const sentBody = body ? { body: JSON.stringify(body) } : {};
  return ask(app, path, { ...init, ...sentBody }, { ...bindings, ...others });
}

export async function start(source: object, model = 'cifar10-fast'): Promise<JobResponse> {
  const response = await call('/jobs', { body: { source, model, top: 1 } });
  expect(response.status).toBe(202);
  return jobResponse.parse(await response.json());
}

export async function show(id: string): Promise<JobResponse> {
  return jobResponse.parse(await (await call(`/jobs/${id}`)).json());
}

export async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, problem.parse(await response.json()).code];
}

export async function linesOf(id: string, query = ''): Promise<JobLine[]> {
  const text = await (await call(`/jobs/${id}/results${query}`)).text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as JobLine);
}

export const advance = (job: string) =>
  advanceJob(bindings, { job, part: started.at(-1)?.part ?? 0 }, limits);

/** Delivers a message. @returns what became of it */
export async function deliver(
  body: ChunkMessage | ObjectEvent,
  { attempts = 1, queue = 'graft-jobs', using = limits } = {},
): Promise<'acked' | { readonly retryInS: number | undefined } | undefined> {
  let outcome: Awaited<ReturnType<typeof deliver>>;
  const message = {
    body,
    attempts,
    ack: () => (outcome = 'acked'),
    retry: (options?: QueueRetryOptions) => (outcome = { retryInS: options?.delaySeconds }),
  };
  const context = createExecutionContext();
  const batch = { queue, messages: [message] } as unknown as MessageBatch<
    ChunkMessage | ObjectEvent
  >;
  await consume(batch, bindings, using);
  await waitOnExecutionContext(context);
  return outcome;
}

/** Delivers all that was sent, until nothing is left. */
export async function deliverAll(): Promise<void> {
  for (let message = sent.shift(); message; message = sent.shift()) {
    for (let attempts = 1; (await deliver(message, { attempts })) !== 'acked'; attempts++);
  }
}

export async function photo(name = 'chelsea.jpg'): Promise<ArrayBuffer> {
  return (await fetch(`${host}/${name}`)).arrayBuffer();
}

export async function putPhotos(count: number): Promise<void> {
  const bytes = await photo('small.jpg');
  for (let i = 0; i < count; i++) await TEST_PHOTOS.put(`p/${i}`, bytes);
}

export const photos = { bucket: 'photos', prefix: 'p/' };
