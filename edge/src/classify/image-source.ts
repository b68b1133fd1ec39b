import { type FetchedImage, fetchImage } from '../input/fetching/fetch-image.ts';
import { guardUrl } from '../input/fetching/guard-url.ts';
import { imageTooLarge } from '../input/read-body.ts';
import { readImage } from '../input/read-image.ts';
import type { ByteBudget } from '../isolate/byte-budget.ts';
import { ProblemError } from '../problem.ts';
import type { Admission } from './admission.ts';

/** An image file that a request names or sends, before it is read. */
export interface ImageSource {
  /** Where the file is fetched from; undefined for an upload, whose response is never cached. */
  readonly url?: URL;
  /** What `Server-Timing` calls the time that reading takes. */
  readonly stage: 'fetch' | 'receive';
  /** @throws ProblemError of every kind that the fetch or the upload has */
  read(budget: ByteBudget): Promise<FetchedImage>;
}

/** The image at a url. @throws ProblemError `invalid_url`, `blocked_target` */
export function imageAtUrl(raw: string, { outbound, limits }: Admission): ImageSource {
  const url = guardUrl(raw, outbound.rules);
  return { url, stage: 'fetch', read: (budget) => fetchImage(url, outbound, limits, budget) };
}

/** The image in the body of a request. */
export function imageInBody(request: Request, { limits }: Admission): ImageSource {
  return {
    stage: 'receive',
    read: async (budget) => ({
      bytes: await readImage(request, limits, budget),
      isCacheable: false,
    }),
  };
}

/** The image in an object of a bucket. */
export function imageInBucket(bucket: R2Bucket, key: string, { limits }: Admission): ImageSource {
  const { maxBytes } = limits;
  return {
    stage: 'fetch',
    read: async (budget) => {
      const object = await bucket.get(key);
      if (!object) throw new ProblemError('not_found', 'The bucket has no such object any more.');
      try {
        if (object.size > maxBytes) throw imageTooLarge(maxBytes);
        budget.take(object.size);
      } catch (error) {
        await object.body.cancel();
        throw error;
      }
      // Its size is known for certain, so that it need not be counted piece by piece.
      return { bytes: new Uint8Array(await object.arrayBuffer()), isCacheable: false };
    },
  };
}
