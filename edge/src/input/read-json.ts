import type * as z from 'shared/contract/schema';
import type { ByteBudget } from '../isolate/byte-budget.ts';
import { ProblemError } from '../problem.ts';
import { isMediaType } from './media-type.ts';
import { readUpload, type UploadLimits } from './read-upload.ts';
import { validate } from './validate.ts';

/** Whether a request says that its body is JSON. */
export function isJson({ headers }: Request): boolean {
  return isMediaType(headers.get('content-type'), 'application/json');
}

/**
 * Reads the JSON body of a request.
 *
 * @throws ProblemError `invalid_request`, `upload_timeout`, `body_too_large`, `overloaded`
 */
export async function readJson<Schema extends z.ZodMiniType>(
  request: Request,
  schema: Schema,
  maxBytes: number,
  limits: UploadLimits,
  budget: ByteBudget,
): Promise<z.output<Schema>> {
  if (!isJson(request)) throw noJson();
  const tooLarge = () =>
    new ProblemError('body_too_large', `The body must have at most ${maxBytes} bytes.`);
  const body = await readUpload(request, limits, budget, maxBytes, tooLarge);
  return validate('json', schema, parse(body));
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body));
  } catch (cause) {
    throw noJson(cause);
  }
}

function noJson(cause?: unknown): ProblemError {
  return new ProblemError(
    'invalid_request',
    'The body must be valid JSON with the header "Content-Type: application/json".',
    { cause },
  );
}
