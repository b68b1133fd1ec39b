import { waitUntil } from 'cloudflare:workers';
import type { Caller } from '../access/identify-caller.ts';
import type { RateLimits } from '../access/limit-rate.ts';
import { sha256Hex } from '../access/sha256-hex.ts';
import type { Env } from '../env.ts';
import { fetchImage, type Outbound } from '../input/fetching/fetch-image.ts';
import { guardUrl } from '../input/fetching/guard-url.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import { shareWork } from '../isolate/share-work.ts';
import type { Limits } from '../limits.ts';
import { prepareModel, withModel } from '../models/model.ts';
import { type ListedModel, resolveModel } from '../models/models-index.ts';
import { cacheKey, keepAnswer, readAnswer } from './answer-cache.ts';
import { type Classification, classifyImage, decodeImage, startLaps } from './classify-image.ts';

/** An image to fetch and classify, and for whom. */
export interface UrlQuestion {
  readonly url: string;
  readonly model?: string | undefined;
  readonly top: number;
  readonly caller: Caller;
  /** Past the cache, and not together with others. */
  readonly isFresh: boolean;
}

/** Where the question is asked. */
export interface Service {
  readonly env: Env;
  readonly limits: Limits;
  readonly outbound: Outbound & { readonly rates: RateLimits };
}

export interface UrlClassification extends Classification {
  readonly etag: string;
  /** `hit`: from the cache; `shared`: from another request; `miss`: worked out, and kept. */
  readonly cache: 'hit' | 'shared' | 'miss' | 'none';
  /** How long ago it was worked out. */
  readonly ageS: number;
  /** Whether others than the caller's own client may keep it. */
  readonly isCacheable: boolean;
}

/**
 * Fetches an image and says what it shows; answers from the cache where it can.
 *
 * @throws ProblemError of every kind that the guard, the fetch and the decoders have
 */
export async function classifyUrl(
  question: UrlQuestion,
  service: Service,
): Promise<UrlClassification> {
  const url = guardUrl(question.url, service.outbound.rules);
  const model = await resolveModel(service.env, question.model);
  const { top, caller, isFresh } = question;
  if (isFresh) return fetchAndClassify(url, model, top, service);
  const key = await cacheKey({ url, version: model.version, top, caller });
  const { result, isShared } = await shareWork(key, async (): Promise<UrlClassification> => {
    const kept = await readAnswer(key);
    if (kept) return { ...kept, timings: {}, cache: 'hit', isCacheable: true };
    const made = await fetchAndClassify(url, model, top, service);
    if (!made.isCacheable) return made;
    waitUntil(keepAnswer(key, made, service.limits.answerMaxAgeS));
    return { ...made, cache: 'miss' };
  });
  return isShared ? { ...result, timings: {}, cache: 'shared' } : result;
}

function fetchAndClassify(
  url: URL,
  { directory }: ListedModel,
  top: number,
  { env, limits, outbound }: Service,
): Promise<UrlClassification> {
  return withByteBudget(limits.maxHeldBytes, async (budget) => {
    prepareModel(env, directory, limits.maxLoadedModels);
    const lap = startLaps();
    const { bytes, isCacheable } = await fetchImage(url, outbound, limits, budget);
    const fetchMs = lap();
    const image = await decodeImage(bytes, directory, limits, env);
    const { answer, timings } = await withModel(env, directory, limits.maxLoadedModels, (model) =>
      classifyImage(image, model, top),
    );
    return {
      answer,
      timings: { fetch: fetchMs, ...timings },
      etag: `"${(await sha256Hex(JSON.stringify(answer))).slice(0, 32)}"`,
      cache: 'none',
      ageS: 0,
      isCacheable,
    };
  });
}
