import { createApp } from '../src/app.ts';
import type { ChunkMessage, Env, ObjectEvent } from '../src/env.ts';
import { decode } from '../src/input/decode.ts';
import { preprocess } from '../src/input/preprocess.ts';
import { consume } from '../src/jobs/consume.ts';
import { JobWorkflow } from '../src/jobs/job-workflow.ts';
import { defaultLimits, type Limits } from '../src/limits.ts';
import { withModel } from '../src/models/model.ts';
import { resolveModel } from '../src/models/models-index.ts';
import { jobsRoutes } from '../src/routes/jobs.ts';
import { similarRoutes } from '../src/routes/search/similar.ts';

// The Worker with jobs that wait for nothing long, into whose buckets tests and benches put images.

interface TestEnv extends Env {
  readonly BUCKET_PHOTOS: R2Bucket;
  readonly JOBS: R2Bucket;
  readonly SEARCH: R2Bucket;
  readonly EVENTS: Queue<ObjectEvent>;
  readonly CHUNK_IMAGES: string;
  readonly POLL_MS: string;
}

function limitsOf({ CHUNK_IMAGES, POLL_MS }: TestEnv): Limits {
  const jobs = {
    ...defaultLimits.jobs,
    chunkImages: Number(CHUNK_IMAGES),
    minPollMs: Number(POLL_MS),
    maxPollMs: Number(POLL_MS),
    // The queue of a killed workerd is lost.
    stalledMs: 4_000,
    lostMs: 3_000,
    retryDelayS: 1,
    imageMs: 5_000,
    hostIntervalMs: 1,
    hostRestMs: 500,
  };
  return { ...defaultLimits, jobs };
}

export class QuickJobWorkflow extends JobWorkflow {
  protected override readonly limits = limitsOf(this.env as TestEnv);
}

let app: ReturnType<typeof createApp> | undefined;

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    const [, verb, rest = ''] = /^\/(put|copy|loop|tell|index)\/(.*)$/.exec(pathname) ?? [];
    if (verb === 'put') return put(request, env, rest);
    if (verb === 'copy') return copy(env, rest);
    if (verb === 'loop') return loop(env, rest);
    if (verb === 'tell') return tell(env, rest);
    if (verb === 'index') return new Response((await env.SEARCH.get(rest))?.body ?? null);
    app ??= createApp(limitsOf(env), jobsRoutes(limitsOf(env)), similarRoutes(limitsOf(env)));
    return app.fetch(request, env, context);
  },
  queue: (batch, env) => consume(batch, env, limitsOf(env)),
} satisfies ExportedHandler<TestEnv, ChunkMessage | ObjectEvent>;

/** `photos/<key>` or `jobs/<key>`, from the body. */
async function put(request: Request, env: TestEnv, path: string): Promise<Response> {
  const [, name, key = ''] = /^(photos|jobs)\/(.*)$/.exec(path) ?? [];
  const bucket = name === 'photos' ? env.BUCKET_PHOTOS : env.JOBS;
  await bucket.put(decodeURIComponent(key), await request.arrayBuffer());
  return new Response();
}

/** `<key>`: sends the message of R2's event notifications for an object. */
async function tell({ BUCKET_PHOTOS, EVENTS }: TestEnv, path: string): Promise<Response> {
  const key = decodeURIComponent(path);
  const object = await BUCKET_PHOTOS.head(key);
  const about = { key, size: object?.size ?? 0, eTag: object?.etag ?? '' };
  await EVENTS.send({ action: 'PutObject', bucket: 'photos', object: about });
  return new Response();
}

/** `<key>/<prefix>/<count>`: as many copies of an object. */
async function copy({ BUCKET_PHOTOS }: TestEnv, path: string): Promise<Response> {
  const [key = '', prefix = '', count] = path.split('/');
  const bytes = await (await BUCKET_PHOTOS.get(key))?.arrayBuffer();
  for (let i = 0; i < Number(count); i++) {
    await BUCKET_PHOTOS.put(`${prefix}/${i}`, bytes ?? null);
  }
  return new Response();
}

/** `<key>/<count>`: decodes an object and classifies it so many times, and does nothing else. */
async function loop(env: TestEnv, path: string): Promise<Response> {
  const [key = '', count] = path.split('/');
  const bytes = new Uint8Array((await (await env.BUCKET_PHOTOS.get(key))?.arrayBuffer()) ?? []);
  const { directory, card } = await resolveModel(env, undefined);
  const { maxLoadedModels } = defaultLimits;
  for (let i = 0; i < Number(count); i++) {
    const { image } = await decode(bytes, defaultLimits, card.preprocess.size, env.IMAGES);
    await withModel(env, directory, maxLoadedModels, (model) =>
      model.classify(preprocess(image, card.preprocess, model.input)),
    );
  }
  return new Response();
}
