import { waitUntil } from 'cloudflare:workers';

interface Kept {
  readonly result: Promise<unknown>;
  readonly at: number;
}

const kept = new Map<string, Kept>();

/**
 * Shares a load among all requests of the isolate, and keeps its result. One that failed is tried
 * again; of one that failed anew, the old result is kept as long again.
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
  const loading = load();
  const result = last ? loading.catch(() => last.result as Promise<T>) : loading;
  const entry: Kept = { result, at: Date.now() };
  kept.set(key, entry);
  const forget = (): void => {
    if (kept.get(key) === entry) kept.delete(key);
  };
  // Others may wait for this load, so it goes on even if its own request's client leaves.
  waitUntil(result.catch(forget));
  return result;
}
