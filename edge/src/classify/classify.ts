import { waitUntil } from 'cloudflare:workers';
import { SharedResults } from '../isolate/shared-results.ts';
import type { ListedModel } from '../models/models-index.ts';
import type { Admission } from './admission.ts';
import { type Classification, classifyImage, type Wanted } from './classify-image.ts';
import type { ImageSource } from './image-source.ts';
import { cacheKey, keepResponse, readResponse } from './response-cache.ts';

export interface ServedClassification extends Classification {
  /**
   * `hit`: from the cache; `shared`: computed for another request at the same time; `miss`: computed
   * and put into the cache; `none`: computed and not kept.
   */
  readonly cache: 'hit' | 'shared' | 'miss' | 'none';
  /** How long ago it was computed. */
  readonly ageS: number;
}

const inFlight = new SharedResults<ServedClassification>({ maxAgeMs: 0 });

/**
 * Says what an image shows. An image at a url is looked up in the cache first, and requests for the
 * same one at the same time share the work.
 *
 * @throws ProblemError of every kind that the source, the decoders and the models have
 */
export async function classify(
  source: ImageSource,
  model: ListedModel,
  wanted: Wanted,
  admission: Admission,
): Promise<ServedClassification> {
  const compute = async (): Promise<ServedClassification> => ({
    ...(await classifyImage(source, model, wanted, admission)),
    cache: 'none',
    ageS: 0,
  });
  const { url } = source;
  const { caller, isFresh, limits } = admission;
  if (!url || isFresh) return compute();
  const key = await cacheKey({ url, version: model.version, ...wanted, caller });
  let isShared = true;
  const result = await inFlight.get(key, async () => {
    isShared = false;
    const cached = await readResponse(key);
    if (cached) return { ...cached, timings: {}, cache: 'hit', isCacheable: true };
    const computed = await compute();
    if (!computed.isCacheable) return computed;
    waitUntil(keepResponse(key, computed, limits.responseMaxAgeS));
    return { ...computed, cache: 'miss' };
  });
  return isShared ? { ...result, timings: {}, cache: 'shared' } : result;
}
