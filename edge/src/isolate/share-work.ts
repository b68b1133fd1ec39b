import { waitUntil } from 'cloudflare:workers';

const running = new Map<string, Promise<unknown>>();

/**
 * Does work once for all requests of the isolate that ask for it at the same time.
 *
 * @param key says what the work is, and for whom
 * @returns its result, and whether another request had already begun it
 */
export async function shareWork<T>(
  key: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly isShared: boolean }> {
  const begun = running.get(key) as Promise<T> | undefined;
  if (begun) return { result: await begun, isShared: true };
  const promise = work().finally(() => running.delete(key));
  running.set(key, promise);
  // Others may wait for it, so it goes on even if its own request's client leaves.
  waitUntil(promise.catch(() => undefined));
  return { result: await promise, isShared: false };
}
