import { type GuardRules, guardRedirect } from './guard-url.ts';
import type { Limits } from './limits.ts';
import { ProblemError } from './problem.ts';

const redirectStatuses = [301, 302, 303, 307, 308];

/**
 * Fetches a picture file, following redirects by hand so that each target is checked.
 *
 * @param url as {@link guardUrl} returned it
 * @returns the body, at least one byte and at most `limits.maxBytes`
 * @throws ProblemError `blocked_target`, `fetch_failed`, `fetch_timeout`, `picture_too_large`
 */
export async function fetchImage(
  url: URL,
  rules: GuardRules,
  limits: Limits,
): Promise<Uint8Array<ArrayBuffer>> {
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
    return await within(limits.bodyTimeoutMs, () => readBody(response, limits.maxBytes));
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
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'image/webp,image/png,image/jpeg,image/*;q=0.5', 'user-agent': 'graft' },
      signal,
    });
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

/** Counts while it streams: a Content-Length may lie, and compression may hide the size. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new ProblemError(
    'picture_too_large',
    `The picture file must have at most ${maxBytes} bytes; send a smaller one.`,
  );
  const declared = Number(response.headers.get('content-length')) || 0;
  if (declared > maxBytes) throw tooLarge;
  // One byte more than declared, so that one read meets the end: each costs 0.1 ms.
  const pieceBytes = Math.min(Math.max(declared, 65_536), maxBytes) + 1;
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader({ mode: 'byob' });
  while (reader) {
    const { value, done } = await reader.readAtLeast(pieceBytes, new Uint8Array(pieceBytes));
    if (value) pieces.push(value);
    length += value?.length ?? 0;
    if (length > maxBytes) throw tooLarge;
    // Fewer than asked for: the end.
    if (done || value.length < pieceBytes) break;
  }
  if (length === 0) {
    throw new ProblemError('fetch_failed', "The picture's host answered with an empty body.");
  }
  return concatenate(pieces, length);
}

function concatenate(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function within<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new ProblemError(
          'fetch_timeout',
          `The picture's host took longer than ${timeoutMs} ms; try another one.`,
        ),
      );
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
