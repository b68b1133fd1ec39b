import { type Context, Hono } from 'hono';
import { classifyQuery, imageQuery, urlRequest } from 'shared/contract/wire';
import type { Admission } from '../classify/admission.ts';
import { classifyChosen } from '../classify/classify-chosen.ts';
import type { Timings, Wanted } from '../classify/classify-image.ts';
import { type ImageSource, imageAtUrl, imageInBody } from '../classify/image-source.ts';
import { isJson, readJson } from '../input/read-json.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import { chooseModel } from '../models/choose-model.ts';
import { admit, limitRequests } from './admit.ts';
import type { AppEnv } from './app-env.ts';
import { withoutQuery } from './record-request.ts';
import { validQuery } from './valid-query.ts';

/** A url of the greatest length, each of its characters escaped. */
const MAX_JSON_BYTES = 64 * 1024;

/** `GET /classify?url=` names an image; `POST /classify` sends one, or names it in JSON. */
export function classifyRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const path = '/classify';

  routes.get(path, admit(limits), limitRequests, validQuery(classifyQuery), (c) =>
    respondForUrl(c, askedIn(c.req.valid('query'))),
  );

  routes.post(path, admit(limits), limitRequests, validQuery(imageQuery), async (c) => {
    const query = askedIn(c.req.valid('query'));
    if (!isJson(c.req.raw)) return respond(c, imageInBody(c.req.raw, c.get('admission')), query);
    const body = await withByteBudget(limits.maxHeldBytes, (budget) =>
      readJson(c.req.raw, urlRequest, MAX_JSON_BYTES, limits, budget),
    );
    return respondForUrl(c, {
      url: body.url,
      model: body.model ?? query.model,
      top: body.top ?? query.top,
      unknown: body.unknown ?? query.unknown,
      explain: body.explain ?? query.explain,
    });
  });

  return routes;
}

/** What a request asks, and of which model. */
interface Asked extends Wanted {
  readonly model?: string | undefined;
}

function askedIn<T extends { readonly explain: string }>({ explain, ...query }: T) {
  return { ...query, explain: explain === 'true' };
}

function respondForUrl(
  c: Context<AppEnv>,
  { url, ...asked }: Asked & { readonly url: string },
): Promise<Response> {
  c.get('record').image = withoutQuery(url);
  return respond(c, imageAtUrl(url, c.get('admission')), asked);
}

async function respond(
  c: Context<AppEnv>,
  source: ImageSource,
  { model: reference, ...wanted }: Asked,
): Promise<Response> {
  const admission = c.get('admission');
  const record = c.get('record');
  const chosen = await chooseModel(c.env, reference, c.get('client'));
  record.model = chosen.model.id;
  record.version = chosen.model.version;
  const result = await classifyChosen(source, chosen, wanted, admission);
  const { response, etag, cache, ageS, isCacheable, timings } = result;
  record.cache = cache;
  c.header('etag', etag);
  c.header('cache-control', isCacheable ? cacheControl(admission, chosen.isSplit) : 'no-store');
  if (cache === 'hit') c.header('age', `${ageS}`);
  c.header('server-timing', serverTiming(timings) || `cache;desc=${cache}`);
  return c.json(response);
}

/**
 * Responses for an API key or a signed url, or of one version where clients get several, may be kept by that
 * caller's own cache only.
 */
function cacheControl({ caller, isFresh, limits }: Admission, isSplit: boolean): string {
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
function serverTiming(timings: Timings): string {
  return Object.entries(timings)
    .map(([stage, ms]) => `${stage};dur=${ms.toFixed(1)}`)
    .join(', ');
}
