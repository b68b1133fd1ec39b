import type { ClassifyResponse } from 'shared/contract/responses';
import type { Embedding } from 'shared/contract/vectors';
import { readSettings } from '../../access/settings.ts';
import type { Admission } from '../../classify/admission.ts';
import { classify } from '../../classify/classify.ts';
import { embedImage } from '../../classify/embed-image.ts';
import { encodeEmbedding } from '../../classify/encode-embedding.ts';
import { type ImageSource, imageAtUrl, imageInBucket } from '../../classify/image-source.ts';
import { outboundFor } from '../../classify/outbound.ts';
import type { Limits } from '../../limits.ts';
import type { Job, JobsEnv } from '../job.ts';
import { bucketOf } from '../pages.ts';
import { readPinnedModel, withPinnedModels } from '../pin-model.ts';
import { paceHosts } from './pace-hosts.ts';

/** What a job says of an image. */
type Computed = { readonly answer: ClassifyResponse } | { readonly embedding: Embedding };

/** How a job classifies an image, or computes its embedding. */
export interface JobWork {
  /** Finds an image, and waits for its host. @returns undefined where that takes too long */
  find(image: string): Promise<ImageSource | undefined>;
  compute(source: ImageSource): Promise<Computed>;
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
    async compute(source) {
      if (job.index !== undefined) {
        const { result } = await embedImage(source, model, admission);
        return { embedding: encodeEmbedding(result, 'int8') };
      }
      const wanted = { top: job.top, unknown: 'only' } as const;
      return { answer: (await classify(source, model, wanted, admission)).response };
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
