import type { ByteBudget } from '../isolate/byte-budget.ts';
import { ProblemError } from '../problem.ts';
import { parameterValues } from './media-type.ts';

/** Parts of a form, including the delimiter at its end. */
const MAX_PARTS = 100;

/**
 * Returns the only file of a form.
 *
 * @param body of the type multipart/form-data
 * @param header its Content-Type
 * @param maxBytes the largest size of the file
 * @throws ProblemError `invalid_request`, `image_too_large`, `overloaded`
 */
export async function fileOfForm(
  body: Uint8Array<ArrayBuffer>,
  header: string,
  maxBytes: number,
  budget: ByteBudget,
): Promise<Uint8Array> {
  const boundary = boundaryOf(header);
  if (countDelimiters(body, boundary) > MAX_PARTS) {
    throw new ProblemError('invalid_request', `The form must have at most ${MAX_PARTS} parts.`);
  }
  budget.take(body.length);
  // Not the sender's own header, so that the parser splits the body where the parts were counted.
  const type = `multipart/form-data; boundary="${boundary}"`;
  const form = await new Response(body, { headers: { 'content-type': type } })
    .formData()
    .catch((cause: unknown) => {
      throw new ProblemError(
        'invalid_request',
        'The body is not a valid form; send multipart/form-data with one file.',
        { cause },
      );
    });
  const files = [...form.values()].filter((value) => value instanceof File);
  const [file] = files;
  if (!file || files.length > 1) {
    throw new ProblemError(
      'invalid_request',
      `The form must have exactly one image file; it has ${files.length}.`,
    );
  }
  if (file.size > maxBytes) {
    throw new ProblemError(
      'image_too_large',
      `The image file of a form must have at most ${maxBytes} bytes; send it as the body itself.`,
    );
  }
  return new Uint8Array(await file.arrayBuffer());
}

/** @see RFC 2046, 5.1.1 */
function boundaryOf(header: string): string {
  const [boundary, ...others] = parameterValues(header, 'boundary') ?? [];
  if (
    boundary === undefined ||
    others.length > 0 ||
    !/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)
  ) {
    throw new ProblemError(
      'invalid_request',
      'The Content-Type of a form must be multipart/form-data with one boundary of 1 to 70 characters.',
    );
  }
  return boundary;
}

/**
 * Counts the delimiters that may begin a part, since even an empty part becomes objects of a kilobyte.
 * It compares each byte once (Knuth, Morris, Pratt), whatever the body contains.
 */
function countDelimiters(body: Uint8Array, boundary: string): number {
  const delimiter = new TextEncoder().encode(`--${boundary}`);
  const fallbacks = fallbacksOf(delimiter);
  let count = 0;
  let matched = 0;
  for (let at = 0; at < body.length && count <= MAX_PARTS; at++) {
    while (matched > 0 && body[at] !== delimiter[matched]) matched = fallbacks[matched - 1] ?? 0;
    if (body[at] === delimiter[matched]) matched += 1;
    if (matched < delimiter.length) continue;
    count += 1;
    matched = 0;
  }
  return count;
}

/** For each byte, how many bytes still match when the next one does not. */
function fallbacksOf(delimiter: Uint8Array): Uint8Array {
  const fallbacks = new Uint8Array(delimiter.length);
  for (let at = 1, matched = 0; at < delimiter.length; at++) {
    while (matched > 0 && delimiter[at] !== delimiter[matched]) {
      matched = fallbacks[matched - 1] ?? 0;
    }
    if (delimiter[at] === delimiter[matched]) matched += 1;
    fallbacks[at] = matched;
  }
  return fallbacks;
}
