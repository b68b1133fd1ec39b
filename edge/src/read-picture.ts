import type { ByteBudget } from './byte-budget.ts';
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
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array> {
  const { headers } = request;
  const type = headers.get('content-type') ?? '';
  const isForm = /^multipart\/form-data\b/i.test(type);
  const max = isForm ? maxBytes + FORM_BYTES : maxBytes;
  const body = await readBody(request.body, declaredLength(headers), max, budget);
  const picture = isForm ? await fileOfForm(body, type, maxBytes, budget) : body;
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
      `The picture file must have at most ${maxBytes} bytes; send a smaller one.`,
    );
  }
  return new Uint8Array(await file.arrayBuffer());
}
