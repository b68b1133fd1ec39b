import type { ByteBudget } from './byte-budget.ts';
import type { Limits } from './limits.ts';
import { ProblemError } from './problem.ts';
import { declaredLength, readBody } from './read-body.ts';

/** What multipart/form-data may add to a picture. */
const FORM_BYTES = 65_536;

/**
 * Reads the picture that a request brings, as its body or as the one file of a form.
 *
 * @throws ProblemError `invalid_request`, `picture_too_large`, `overloaded`
 */
export async function readPicture(
  request: Request,
  limits: Pick<Limits, 'maxBytes' | 'maxFormBytes'>,
  budget: ByteBudget,
): Promise<Uint8Array> {
  const { headers } = request;
  const type = headers.get('content-type') ?? '';
  const isForm = /^multipart\/form-data\b/i.test(type);
  const maxFileBytes = isForm ? Math.min(limits.maxBytes, limits.maxFormBytes) : limits.maxBytes;
  const maxBytes = isForm ? maxFileBytes + FORM_BYTES : maxFileBytes;
  const body = await readBody(request.body, declaredLength(headers), maxBytes, budget);
  const picture = isForm ? await fileOfForm(body, type, maxFileBytes, budget) : body;
  if (picture.length > 0) return picture;
  throw new ProblemError('invalid_request', 'The request needs a picture file as its body.');
}

async function fileOfForm(
  body: Uint8Array<ArrayBuffer>,
  type: string,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array> {
  budget.take(body.length);
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
