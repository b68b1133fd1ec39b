import type { ByteBudget } from './byte-budget.ts';
import { type GuardRules, guardRedirect } from './guard-url.ts';
import type { Limits } from './limits.ts';
import { ProblemError } from './problem.ts';
import { declaredLength, readBody } from './read-body.ts';
import { withTimeout } from './with-timeout.ts';

const redirectStatuses = [301, 302, 303, 307, 308];

/** Marks what the Worker asks for. @see RFC 9110, 7.6.3: `Via` is there to find loops */
export const VIA = '1.1 graft';

const requestHeaders = {
  accept: 'image/webp,image/png,image/jpeg,image/avif;q=0.9,image/*;q=0.5',
  'user-agent': 'graft',
  via: VIA,
};

export interface FetchedImage {
  /** At least one byte, at most `limits.maxBytes`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** False when the host says that its answer is for this caller or this moment only. */
  readonly isCacheable: boolean;
}

/**
 * Fetches a picture file, following redirects by hand so that each target is checked.
 *
 * @param url as {@link guardUrl} returned it
 * @throws ProblemError `blocked_target`, `fetch_failed`, `fetch_timeout`, `picture_too_large`,
 *   `overloaded`
 */
export async function fetchImage(
  url: URL,
  rules: GuardRules,
  limits: Limits,
  budget: ByteBudget,
): Promise<FetchedImage> {
  const abort = new AbortController();
  try {
    const response = await within(limits.headersTimeoutMs, () =>
      followRedirects(url, rules, limits.maxRedirects, abort.signal),
    );
    if (!response.ok) {
      throw new ProblemError(
        'fetch_failed',
        `The picture's host answered with status ${response.status}; the url must lead to a picture.`,
      );
    }
    const bytes = await within(limits.bodyTimeoutMs, () =>
      readBody(response.body, declaredLength(response.headers), limits.maxBytes, budget),
    );
    if (bytes.length === 0) {
      throw new ProblemError('fetch_failed', "The picture's host answered with an empty body.");
    }
    const caching = response.headers.get('cache-control') ?? '';
    return { bytes, isCacheable: !/\b(no-store|no-cache|private)\b/i.test(caching) };
  } catch (error) {
    // Closes the connection where the body was not read to its end.
    abort.abort();
    if (error instanceof ProblemError) throw error;
    // A name that does not resolve, a refused connection, a bad certificate and a broken transfer
    // read the same, so that the service is no port scanner.
    throw new ProblemError(
      'fetch_failed',
      "The picture's host could not be reached, or broke off; check the url.",
      { cause: error },
    );
  }
}

async function followRedirects(
  first: URL,
  rules: GuardRules,
  maxRedirects: number,
  signal: AbortSignal,
): Promise<Response> {
  let url = first;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await fetch(url, { redirect: 'manual', headers: requestHeaders, signal });
    if (!redirectStatuses.includes(response.status)) return response;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (!location) {
      throw new ProblemError('fetch_failed', "The picture's host redirects without a Location.");
    }
    url = guardRedirect(location, url, rules);
  }
  throw new ProblemError(
    'fetch_failed',
    `The url redirects more than ${maxRedirects} times; give the last address.`,
  );
}

function within<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const problem = `The picture's host took longer than ${timeoutMs} ms; try another one.`;
  return withTimeout(timeoutMs, () => new ProblemError('fetch_timeout', problem), work);
}
