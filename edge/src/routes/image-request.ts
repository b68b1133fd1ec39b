import type { Context } from 'hono';
import type * as z from 'shared/contract/schema';
import type { Admission } from '../classify/admission.ts';
import { type ImageSource, imageAtUrl } from '../classify/image-source.ts';
import type { Timings } from '../classify/infer.ts';
import { readJson } from '../input/read-json.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import type { AppEnv } from './app-env.ts';
import { withoutQuery } from './record-request.ts';

// What the routes have in common that look at one image.

/** A url of the greatest length, each of its characters escaped. */
const MAX_JSON_BYTES = 64 * 1024;

/** The image at a url, which the log's line names. @throws ProblemError `invalid_url`, `blocked_target` */
export function namedImage(c: Context<AppEnv>, url: string): ImageSource {
  c.get('record').image = withoutQuery(url);
  return imageAtUrl(url, c.get('admission'));
}

/** The JSON body that names an image. @throws ProblemError as {@link readJson} does */
export function readNaming<Schema extends z.ZodMiniType>(
  c: Context<AppEnv>,
  schema: Schema,
  limits: Limits,
): Promise<z.output<Schema>> {
  return withByteBudget(limits.maxHeldBytes, (budget) =>
    readJson(c.req.raw, schema, MAX_JSON_BYTES, limits, budget),
  );
}

/**
 * Responses for an API key or a signed url, or of one version where clients get several, may be kept by that
 * caller's own cache only.
 */
export function cacheControl(
  { caller, isFresh, limits }: Pick<Admission, 'caller' | 'isFresh' | 'limits'>,
  isSplit: boolean,
): string {
  if (isFresh) return 'no-store';
  const { keyHash, signedUntil } = caller;
  const maxAgeS = limits.responseMaxAgeS;
  if (signedUntil !== undefined) {
    const leftS = Math.floor(signedUntil - Date.now() / 1000);
    return `private, max-age=${Math.max(0, Math.min(maxAgeS, leftS))}`;
  }
  const isPublic = keyHash === undefined && !isSplit;
  return `${isPublic ? 'public' : 'private'}, max-age=${maxAgeS}`;
}

/** @see https://www.w3.org/TR/server-timing/ */
export function serverTiming(timings: Timings): string {
  return Object.entries(timings)
    .map(([stage, ms]) => `${stage};dur=${ms.toFixed(1)}`)
    .join(', ');
}
