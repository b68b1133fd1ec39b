import type { Problem } from 'shared/contract/responses';
import { type ProblemCode, problemStatus } from 'shared/contract/wire';
import { ImageError } from 'shared/images/image-error';

/** A failure that is reported to the caller. Any code throws it; the app's `onError` renders it. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param detail one sentence for the caller: what was expected, what was received, what to do
   * @param options.headers headers that belong to the status, such as `allow` or `retry-after`
   */
  constructor(
    code: ProblemCode,
    detail: string,
    options?: ErrorOptions & { readonly headers?: Readonly<Record<string, string>> },
  ) {
    super(detail, options);
    this.name = 'ProblemError';
    this.code = code;
    this.headers = options?.headers ?? {};
  }
}

const retrySoon = { 'retry-after': '1' };

/** @param what begins the sentence and says what there is too much of */
export function overloaded(what: string): ProblemError {
  return new ProblemError('overloaded', `${what} right now; try again in a second.`, {
    headers: retrySoon,
  });
}

const titles: Readonly<Record<ProblemCode, string>> = {
  invalid_request: 'Invalid request',
  invalid_url: 'Invalid URL',
  unauthorized: 'Not authorized',
  blocked_target: 'Target not allowed',
  unknown_model: 'Unknown model',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  upload_timeout: 'The upload took too long',
  conflict: 'Not possible now',
  image_too_large: 'Image too large',
  body_too_large: 'Body too large',
  unsupported_image: 'Unsupported image',
  broken_image: 'Broken image',
  too_many_pixels: 'Too many pixels',
  rate_limited: 'Too many requests',
  internal: 'Internal error',
  fetch_failed: 'Fetching the image failed',
  misconfigured: 'Misconfigured service',
  overloaded: 'Overloaded',
  fetch_timeout: 'Fetching the image took too long',
};

/** The problem that the caller is told about. An unforeseen error stays opaque. */
export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ImageError) {
    const headers = error.code === 'overloaded' ? retrySoon : {};
    return new ProblemError(error.code, error.message, { cause: error, headers });
  }
  return new ProblemError(
    'internal',
    'The service failed for a reason of its own; the request is not at fault.',
  );
}

/** The body of an error response. @see RFC 9457 */
export function toProblem(error: unknown): Problem {
  const { code, message } = toProblemError(error);
  return {
    type: 'about:blank',
    title: titles[code],
    status: problemStatus[code],
    detail: message,
    code,
  };
}

/** The error response itself. */
export function problemResponse(error: unknown): Response {
  const body = toProblem(error);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: {
      ...toProblemError(error).headers,
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}
