import type { ClassifyResponse } from 'shared/contract/responses';
import type { Caller } from '../access/identify-caller.ts';
import { sha256Hex } from '../access/sha256-hex.ts';

/** A response in the cache. */
export interface CachedResponse {
  readonly response: ClassifyResponse;
  readonly etag: string;
  readonly ageS: number;
}

/** What a response depends on, and who may see it. */
export interface ResponseKey {
  readonly url: URL;
  readonly version: string;
  readonly top: number;
  readonly unknown: string;
  readonly explain?: boolean | undefined;
  readonly caller: Caller;
}

/**
 * Names a response in the cache. The name is a hash, since an image's url may hold a secret. Each API
 * key has responses of its own.
 */
export async function cacheKey({
  url,
  version,
  top,
  unknown,
  explain = false,
  caller,
}: ResponseKey): Promise<string> {
  const { origin, pathname, search } = url;
  const parts = [
    origin + pathname + search,
    version,
    top,
    unknown,
    explain,
    caller.keyHash ?? null,
  ];
  // The Cache API needs a whole url; no request is ever sent to this host.
  return `https://responses.invalid/${await sha256Hex(JSON.stringify(parts))}`;
}

export async function readResponse(key: string): Promise<CachedResponse | undefined> {
  const cached = await caches.default.match(key);
  if (!cached) return undefined;
  const keptAt = Number(cached.headers.get('x-kept-at'));
  return {
    response: await cached.json<ClassifyResponse>(),
    etag: cached.headers.get('etag') ?? '',
    ageS: Math.max(0, Math.floor((Date.now() - keptAt) / 1000)),
  };
}

/** @param maxAgeS how long the response is kept, in seconds */
export async function keepResponse(
  key: string,
  { response, etag }: Pick<CachedResponse, 'response' | 'etag'>,
  maxAgeS: number,
): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'cache-control': `public, max-age=${maxAgeS}`,
    etag,
    'x-kept-at': `${Date.now()}`,
  };
  await caches.default.put(key, new Response(JSON.stringify(response), { headers }));
}
