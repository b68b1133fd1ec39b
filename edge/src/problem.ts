import { type Problem, type ProblemCode, problemStatus } from 'shared/wire';

/** A failure that the caller is told about. Thrown anywhere, rendered by the app's `onError`. */
export class ProblemError extends Error {
  readonly code: ProblemCode;

  /** @param detail one sentence for the caller: what was expected, what came, what to do */
  constructor(code: ProblemCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'ProblemError';
    this.code = code;
  }
}

const titles: Readonly<Record<ProblemCode, string>> = {
  invalid_request: 'Invalid request',
  invalid_url: 'Invalid url',
  blocked_target: 'Blocked target',
  unknown_model: 'Unknown model',
  not_found: 'Not found',
  method_not_allowed: 'Method not allowed',
  picture_too_large: 'Picture too large',
  unsupported_picture: 'Unsupported picture',
  broken_picture: 'Broken picture',
  too_many_pixels: 'Too many pixels',
  internal: 'Internal error',
  fetch_failed: 'Fetching the picture failed',
  fetch_timeout: 'Fetching the picture took too long',
};

/** An error as RFC 9457 has it. What is not a {@link ProblemError} stays opaque. */
export function problemResponse(error: unknown): Response {
  const { code, message } =
    error instanceof ProblemError
      ? error
      : new ProblemError('internal', 'Something went wrong here; the request was not at fault.');
  const status = problemStatus[code];
  const body: Problem = {
    type: 'about:blank',
    title: titles[code],
    status,
    detail: message,
    code,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}
