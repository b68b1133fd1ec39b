import { waitUntil } from 'cloudflare:workers';

const kept = new Map<string, { readonly result: Promise<unknown>; readonly at: number }>();

/**
 * Shares a load among all requests of the isolate, and keeps its result. One that failed is tried
 * again.
 *
 * @param maxAgeMs after which it is loaded anew
 */
export function oncePerIsolate<T>(
  key: string,
  load: () => Promise<T>,
  maxAgeMs = Number.POSITIVE_INFINITY,
): Promise<T> {
  const last = kept.get(key);
  if (last && Date.now() - last.at < maxAgeMs) return last.result as Promise<T>;
  const result = load();
  kept.set(key, { result, at: Date.now() });
  // Others may wait for this load, so it goes on even if its own request's client leaves.
  waitUntil(result.catch(() => kept.delete(key)));
  return result;
}
