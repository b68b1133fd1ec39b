import type { ClassifyResponse } from 'shared/contract/responses';
import type { Caller } from '../access/identify-caller.ts';
import { sha256Hex } from '../access/sha256-hex.ts';

/** An answer as the cache keeps it. */
export interface KeptAnswer {
  readonly answer: ClassifyResponse;
  readonly etag: string;
  readonly ageS: number;
}

/** What an answer depends on, and who may see it. */
export interface AnswerKey {
  readonly url: URL;
  readonly version: string;
  readonly top: number;
  readonly caller: Caller;
}

/**
 * Names an answer in the cache. Hashed, since an image's url may hold a secret. An API key's
 * answers are for that key alone.
 */
export async function cacheKey({ url, version, top, caller }: AnswerKey): Promise<string> {
  const { origin, pathname, search } = url;
  const parts = [origin + pathname + search, version, top, caller.keyHash ?? null];
  // No such host is ever asked: the Cache API wants a whole url.
  return `https://answers.invalid/${await sha256Hex(JSON.stringify(parts))}`;
}

export async function readAnswer(key: string): Promise<KeptAnswer | undefined> {
  const response = await caches.default.match(key);
  if (!response) return undefined;
  const keptAt = Number(response.headers.get('x-kept-at'));
  return {
    answer: await response.json<ClassifyResponse>(),
    etag: response.headers.get('etag') ?? '',
    ageS: Math.max(0, Math.floor((Date.now() - keptAt) / 1000)),
  };
}

/** @param maxAgeS how long, in seconds */
export async function keepAnswer(
  key: string,
  { answer, etag }: Pick<KeptAnswer, 'answer' | 'etag'>,
  maxAgeS: number,
): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'cache-control': `public, max-age=${maxAgeS}`,
    etag,
    'x-kept-at': `${Date.now()}`,
  };
  await caches.default.put(key, new Response(JSON.stringify(answer), { headers }));
}
