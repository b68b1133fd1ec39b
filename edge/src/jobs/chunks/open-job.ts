import type { ClassifyResponse } from 'shared/contract/responses';
import { readSettings } from '../../access/settings.ts';
import type { Admission } from '../../classify/admission.ts';
import { classify } from '../../classify/classify.ts';
import { type ImageSource, imageAtUrl, imageInBucket } from '../../classify/image-source.ts';
import { outboundFor } from '../../classify/outbound.ts';
import type { Limits } from '../../limits.ts';
import type { Job, JobsEnv } from '../job.ts';
import { bucketOf } from '../pages.ts';
import { readPinnedModel, withPinnedModels } from '../pin-model.ts';
import { paceHosts } from './pace-hosts.ts';

/** How a job classifies an image. */
export interface JobWork {
  /** Finds an image, and waits for its host. @returns undefined where that takes too long */
  find(image: string): Promise<ImageSource | undefined>;
  classifyOne(source: ImageSource): Promise<ClassifyResponse>;
}

/** @param until when it stops to wait for hosts, in milliseconds since 1970 */
export async function openJob(
  env: JobsEnv,
  job: Job,
  limits: Limits,
  until: number,
): Promise<JobWork> {
  const settings = readSettings(env);
  const pace = paceHosts(env, settings, limits);
  const admission: Admission = {
    env: withPinnedModels(env),
    limits,
    caller: { keyHash: job.keyHash },
    // A million responses that nobody asks for again would fill the cache.
    isFresh: true,
    outbound: outboundFor(job.origin, settings, limits, pace),
  };
  const model = await readPinnedModel(admission.env, job);
  const sourceOf = openSource(env, job, admission);
  return {
    async find(image) {
      const source = sourceOf(image);
      const { url } = source;
      const isNow = url === undefined || (await pace.waitFor(url, until));
      return isNow ? source : undefined;
    },
    async classifyOne(source) {
      const wanted = { top: job.top, unknown: 'only' } as const;
      return (await classify(source, model, wanted, admission)).response;
    },
  };
}

function openSource(
  env: JobsEnv,
  { source }: Job,
  admission: Admission,
): (image: string) => ImageSource {
  if ('urls' in source) return (url) => imageAtUrl(url, admission);
  const bucket = bucketOf(env, source.bucket);
  return (key) => imageInBucket(bucket, key, admission);
}
