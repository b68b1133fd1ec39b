import type { ByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { fileOfForm } from './file-of-form.ts';
import { isMediaType } from './media-type.ts';
import { readUpload, type UploadLimits } from './read-upload.ts';

/** The bytes that multipart/form-data may add to an image. */
const FORM_BYTES = 65_536;

/**
 * Reads the image file in a request: the body itself, or the only file of a form.
 *
 * @throws ProblemError `invalid_request`, `upload_timeout`, `image_too_large`, `overloaded`
 */
export async function readImage(
  request: Request,
  limits: Pick<Limits, 'maxBytes' | 'maxFormBytes'> & UploadLimits,
  budget: ByteBudget,
): Promise<Uint8Array> {
  const type = request.headers.get('content-type') ?? '';
  const isForm = isMediaType(type, 'multipart/form-data');
  const maxFileBytes = isForm ? Math.min(limits.maxBytes, limits.maxFormBytes) : limits.maxBytes;
  const maxBytes = isForm ? maxFileBytes + FORM_BYTES : maxFileBytes;
  const body = await readUpload(request, limits, budget, maxBytes);
  const image = isForm ? await fileOfForm(body, type, maxFileBytes, budget) : body;
  if (image.length === 0) {
    throw new ProblemError('invalid_request', 'The body is empty; send an image file as the body.');
  }
  if (isUrl(image)) {
    throw new ProblemError(
      'invalid_request',
      'The body seems to be a url and not an image; send it as JSON, {"url": "https://…"}, with the ' +
        'header "Content-Type: application/json", or as GET /classify?url=….',
    );
  }
  return image;
}

/** Whether a body begins like a url: in JSON, in a urlencoded form, or bare. */
function isUrl(image: Uint8Array): boolean {
  const start = new TextDecoder().decode(image.subarray(0, 100));
  return /^\s*(?:\{\s*"|url=|https?:\/\/)/i.test(start);
}
