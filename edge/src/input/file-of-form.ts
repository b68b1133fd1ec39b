import type { ByteBudget } from '../isolate/byte-budget.ts';
import { ProblemError } from '../problem.ts';
import { parameterValues } from './media-type.ts';

/** Of a form, the delimiter at its end included. */
const MAX_PARTS = 100;

/**
 * Finds the one file of a form.
 *
 * @param body of the type multipart/form-data
 * @param header its Content-Type
 * @param maxBytes that the file may have
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
  // Not the sender's own header: what was counted is what is parsed.
  const type = `multipart/form-data; boundary="${boundary}"`;
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
      `The form must hold one image file; it has ${files.length}.`,
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
 * Counts what might begin a part, each of which becomes objects of a kilobyte, even an empty one. It
 * looks at each byte once (Knuth, Morris, Pratt), whatever the sender thinks up.
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

/** How many bytes still match after each of them, where the next one does not. */
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
