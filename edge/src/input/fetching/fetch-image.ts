import type { ByteBudget } from '../../isolate/byte-budget.ts';
import { withTimeout } from '../../isolate/with-timeout.ts';
import type { Limits } from '../../limits.ts';
import { ProblemError } from '../../problem.ts';
import { declaredLength, readBody } from '../read-body.ts';
import { brokenCoding, decodeContent } from './decode-content.ts';
import { type GuardRules, guardRedirect } from './guard-url.ts';

const redirectStatuses = [301, 302, 303, 307, 308];

/** Marks the Worker's own requests, so that it recognizes loops. @see RFC 9110, 7.6.3 */
export const VIA = '1.1 graft';

const accept = 'image/webp,image/png,image/jpeg,image/avif;q=0.9,image/*;q=0.5,*/*;q=0.1';

/**
 * Some hosts, Wikimedia's among them, refuse clients that give no contact.
 *
 * @param contact a url or an e-mail address
 * @see https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy
 */
export function userAgent(contact: string): string {
  return `graft/1.0 (${contact})`;
}

/** How the Worker sends requests to image hosts, and to which of them. */
export interface Outbound {
  readonly rules: GuardRules;
  readonly userAgent: string;
  readonly rates: FetchRates;
}

/** Counts requests to image hosts. */
export interface FetchRates {
  /** @throws ProblemError `rate_limited` */
  admitFetch(url: URL, isRedirect: boolean): Promise<void>;
  /**
   * Is told whether a host works: it does not where no response comes from it, or one with a status from 500.
   */
  noteHost?(url: URL, works: boolean): void;
}

export interface FetchedImage {
  /** At least one byte, at most `limits.maxBytes`. */
  readonly bytes: Uint8Array;
  /** False where the host says that its response is for this caller or this moment only. */
  readonly isCacheable: boolean;
}

/**
 * Fetches an image file, following redirects by hand so that each target is checked.
 *
 * @param url as {@link guardUrl} returned it
 * @throws ProblemError `blocked_target`, `rate_limited`, `fetch_failed`, `fetch_timeout`,
 *   `image_too_large`, `overloaded`
 */
export async function fetchImage(
  url: URL,
  outbound: Outbound,
  limits: Limits,
  budget: ByteBudget,
): Promise<FetchedImage> {
  const abort = new AbortController();
  try {
    const response = await within(limits.headersTimeoutMs, () =>
      followRedirects(url, outbound, limits.maxRedirects, abort.signal),
    );
    // Of the other statuses, browsers show the body only with 300, Multiple Choices.
    if (!response.ok && response.status !== 300) {
      throw new ProblemError(
        'fetch_failed',
        `The image's host responded with status ${response.status}; the url must lead to an image.`,
      );
    }
    const body = await within(limits.bodyTimeoutMs, () => readContent(response, limits, budget));
    const coding = response.headers.get('content-encoding');
    const bytes = await decodeContent(body, coding, limits.maxBytes, budget);
    if (bytes.length === 0) {
      throw new ProblemError(
        'fetch_failed',
        "The image's host responded with an empty body; the url must lead to an image.",
      );
    }
    const caching = response.headers.get('cache-control') ?? '';
    return { bytes, isCacheable: !/\b(no-store|no-cache|private)\b/i.test(caching) };
  } catch (error) {
    // Closes the connection if the body was not read to its end.
    abort.abort();
    if (error instanceof ProblemError) throw error;
    // An unknown name, a refused connection, a bad certificate and a broken transfer give the same
    // problem, so that the service is of no use as a port scanner.
    throw new ProblemError(
      'fetch_failed',
      "The image's host could not be reached or broke off the transfer; check the url.",
      { cause: error },
    );
  }
}

/** The runtime undoes the compression as the body is read, and only then finds that it is invalid. */
function readContent(
  { body, headers }: Response,
  { maxBytes }: Limits,
  budget: ByteBudget,
): Promise<Uint8Array<ArrayBuffer>> {
  return readBody(body, declaredLength(headers), { maxBytes, budget }).catch((error: unknown) => {
    if (error instanceof ProblemError || !headers.has('content-encoding')) throw error;
    throw brokenCoding(error);
  });
}

async function followRedirects(
  first: URL,
  { rules, userAgent, rates }: Outbound,
  maxRedirects: number,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { accept, 'user-agent': userAgent, via: VIA };
  let url = first;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    await rates.admitFetch(url, redirects > 0);
    const response = await fetch(url, { redirect: 'manual', headers, signal }).catch(
      (error: unknown) => {
        rates.noteHost?.(url, false);
        throw error;
      },
    );
    rates.noteHost?.(url, response.status < 500);
    if (!redirectStatuses.includes(response.status)) return response;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (!location) {
      throw new ProblemError(
        'fetch_failed',
        "The image's host redirects without a Location header; use another url.",
      );
    }
    url = guardRedirect(location, url, rules);
  }
  throw new ProblemError(
    'fetch_failed',
    `The url redirects more than ${maxRedirects} times; use the last address instead.`,
  );
}

function within<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const problem = `The image's host took longer than ${timeoutMs} ms; try again or use another host.`;
  return withTimeout(timeoutMs, () => new ProblemError('fetch_timeout', problem), work);
}
