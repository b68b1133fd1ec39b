import type { FeedbackLine, KeptImage } from 'shared/contract/feedback';
import type { FeedbackLimits } from '../limits.ts';
import { ProblemError } from '../problem.ts';

// The bucket FEEDBACK: `images/<day>/<rest of the id>` with what the model said in its metadata, and
// `labels/<id>` for what somebody said of it. Neither has a url or an address of a client.

/** Days, and classes of a day, of which enough is kept, as far as this isolate knows. */
const full = new Set<string>();

/**
 * A name for an image that is to be kept today.
 *
 * @param index of the predicted class
 * @returns undefined where enough images of today or of the class are known to be kept
 */
export function nameImage(model: string, index: number): string | undefined {
  const day = new Date().toISOString().slice(0, 10);
  for (const known of full) if (!known.startsWith(day)) full.delete(known);
  const group = `${day}.${model}.${index}`;
  return full.has(day) || full.has(group) ? undefined : `${group}.${crypto.randomUUID()}`;
}

/** Keeps an image, unless there are enough of its day or its class. */
export async function keepImage(
  bucket: R2Bucket,
  id: string,
  bytes: Uint8Array,
  about: KeptImage,
  { perDay, perClass }: FeedbackLimits,
): Promise<void> {
  const key = keyOf(id);
  const [day = ''] = id.split('.', 1);
  const group = id.slice(0, id.lastIndexOf('.'));
  const { objects } = await bucket.list({ prefix: `images/${day}/`, limit: perDay });
  const alike = objects.filter((object) => object.key.startsWith(`${keyOf(group)}.`));
  if (objects.length >= perDay) full.add(day);
  else if (alike.length >= perClass) full.add(group);
  else await bucket.put(key, bytes, { customMetadata: toMetadata(about) });
}

/** @throws ProblemError `not_found` where the image was not kept */
export async function labelImage(bucket: R2Bucket, id: string, label: string): Promise<void> {
  if (!(await bucket.head(keyOf(id)))) throw notKept();
  await bucket.put(`labels/${id}`, '', { customMetadata: toMetadata(label) });
}

/** @throws ProblemError `not_found` where the image was not kept */
export async function readKept(bucket: R2Bucket, id: string): Promise<ReadableStream> {
  const object = await bucket.get(keyOf(id));
  if (!object) throw notKept();
  return object.body;
}

/** A page of the kept images, the oldest first, and where the next one begins. */
export async function listKept(
  bucket: R2Bucket,
  after: string | undefined,
): Promise<{ readonly lines: FeedbackLine[]; readonly next: string | undefined }> {
  const page = await bucket.list({
    prefix: 'images/',
    limit: 100,
    include: ['customMetadata'],
    ...(after === undefined ? {} : { cursor: after }),
  });
  const lines = await Promise.all(
    page.objects.map(async ({ key, customMetadata }): Promise<FeedbackLine> => {
      const id = key.slice('images/'.length).replace('/', '.');
      const labelled = await bucket.head(`labels/${id}`);
      const label = labelled && fromMetadata<string>(labelled.customMetadata);
      return { id, ...fromMetadata<KeptImage>(customMetadata), ...(label ? { label } : {}) };
    }),
  );
  return { lines, next: page.truncated ? page.cursor : undefined };
}

function keyOf(id: string): string {
  return `images/${id.replace('.', '/')}`;
}

/** Labels are in all alphabets, and metadata travels in headers. */
function toMetadata(value: unknown): { json: string } {
  return { json: encodeURIComponent(JSON.stringify(value)) };
}

function fromMetadata<T>(metadata: Record<string, string> | undefined): T {
  return JSON.parse(decodeURIComponent(metadata?.['json'] ?? 'null')) as T;
}

function notKept(): ProblemError {
  return new ProblemError('not_found', 'The image of this id is not kept, or not any more.');
}
