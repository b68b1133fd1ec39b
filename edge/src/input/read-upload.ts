import type { ByteBudget } from '../isolate/byte-budget.ts';
import { withTimeout } from '../isolate/with-timeout.ts';
import type { Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { declaredLength, readBody } from './read-body.ts';

export type UploadLimits = Pick<Limits, 'uploadTimeoutMs' | 'uploadGraceMs' | 'minUploadRate'>;

/**
 * Reads the body of a request, which must arrive fast enough and completely.
 *
 * @throws ProblemError `invalid_request`, `upload_timeout`, `overloaded`, and the error of `tooLarge`
 */
export function readUpload(
  { body, headers }: Request,
  limits: UploadLimits,
  budget: ByteBudget,
  maxBytes: number,
  tooLarge?: () => ProblemError,
): Promise<Uint8Array<ArrayBuffer>> {
  const pace = { windowMs: limits.uploadGraceMs, minRate: limits.minUploadRate, tooSlow };
  return withTimeout(limits.uploadTimeoutMs, tooSlow, () =>
    readBody(body, declaredLength(headers), { maxBytes, budget, pace, tooLarge }).catch(brokenOff),
  );
}

function tooSlow(): ProblemError {
  return new ProblemError('upload_timeout', 'The body took too long to arrive; send it again.');
}

function brokenOff(cause: unknown): never {
  if (cause instanceof ProblemError) throw cause;
  throw new ProblemError(
    'invalid_request',
    'The body ended before it was complete; send it again.',
    { cause },
  );
}
