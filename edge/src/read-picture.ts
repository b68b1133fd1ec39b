import type { ByteBudget } from './byte-budget.ts';
import type { Limits } from './limits.ts';
import { ProblemError } from './problem.ts';
import { declaredLength, readBody } from './read-body.ts';
import { withTimeout } from './with-timeout.ts';

/** What multipart/form-data may add to a picture. */
const FORM_BYTES = 65_536;

/** Of a form, the delimiter at its end included. */
const MAX_PARTS = 100;

/**
 * Reads the picture that a request brings, as its body or as the one file of a form.
 *
 * @throws ProblemError `invalid_request`, `upload_timeout`, `picture_too_large`, `overloaded`
 */
export async function readPicture(
  request: Request,
  limits: Pick<Limits, 'maxBytes' | 'maxFormBytes' | 'uploadTimeoutMs'>,
  budget: ByteBudget,
): Promise<Uint8Array> {
  const { headers } = request;
  const type = headers.get('content-type') ?? '';
  const isForm = /^multipart\/form-data\b/i.test(type);
  const maxFileBytes = isForm ? Math.min(limits.maxBytes, limits.maxFormBytes) : limits.maxBytes;
  const maxBytes = isForm ? maxFileBytes + FORM_BYTES : maxFileBytes;
  const body = await withTimeout(limits.uploadTimeoutMs, tooSlow, () =>
    readBody(request.body, declaredLength(headers), maxBytes, budget).catch(brokenOff),
  );
  const picture = isForm ? await fileOfForm(body, type, maxFileBytes, budget) : body;
  if (picture.length > 0) return picture;
  throw new ProblemError('invalid_request', 'The request needs a picture file as its body.');
}

function tooSlow(): ProblemError {
  return new ProblemError('upload_timeout', 'The picture took too long to arrive; send it again.');
}

function brokenOff(cause: unknown): never {
  if (cause instanceof ProblemError) throw cause;
  throw new ProblemError('invalid_request', 'The body broke off; send the picture again.', {
    cause,
  });
}

async function fileOfForm(
  body: Uint8Array<ArrayBuffer>,
  type: string,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array> {
  budget.take(body.length);
  if (countParts(body, type) > MAX_PARTS) {
    throw new ProblemError('invalid_request', `The form must have at most ${MAX_PARTS} parts.`);
  }
  const form = await new Response(body, { headers: { 'content-type': type } })
    .formData()
    .catch((cause: unknown) => {
      throw new ProblemError('invalid_request', 'The body is no form that can be read.', { cause });
    });
  const files = [...form.values()].filter((value) => value instanceof File);
  const [file] = files;
  if (!file || files.length > 1) {
    throw new ProblemError(
      'invalid_request',
      `The form must hold one picture file; it has ${files.length}.`,
    );
  }
  if (file.size > maxBytes) {
    throw new ProblemError(
      'picture_too_large',
      `The picture file of a form must have at most ${maxBytes} bytes; send it as the body itself.`,
    );
  }
  return new Uint8Array(await file.arrayBuffer());
}

/** Each becomes objects of a kilobyte, even an empty one. @see RFC 2046, 5.1.1 */
function countParts(body: Uint8Array, type: string): number {
  const [, quoted, plain] = /boundary=(?:"([^"]*)"|([^;\s]*))/i.exec(type) ?? [];
  const delimiter = new TextEncoder().encode(`--${quoted ?? plain}`);
  let count = 0;
  // Each stands at the beginning of a line.
  for (let at = 0; count <= MAX_PARTS; at += 1) {
    if (delimiter.every((byte, i) => body[at + i] === byte)) count += 1;
    at = body.indexOf(LINE_FEED, at);
    if (at < 0) break;
  }
  return count;
}

const LINE_FEED = 0x0a;
