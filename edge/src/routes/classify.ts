import { type Context, Hono } from 'hono';
import { classifyQuery, imageQuery, urlRequest } from 'shared/contract/wire';
import { admit, limitRequests } from '../access/admit.ts';
import { withoutQuery } from '../access/record-request.ts';
import { classifyImage, decodeImage, startLaps, type Timings } from '../classify/classify-image.ts';
import { classifyUrl, type UrlClassification } from '../classify/classify-url.ts';
import type { AppEnv } from '../env.ts';
import { readImage } from '../input/read-image.ts';
import { isJson, readJson } from '../input/read-json.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import { prepareModel, withModel } from '../models/model.ts';
import { resolveModel } from '../models/models-index.ts';
import { wantsFresh } from './service.ts';
import { validQuery } from './valid.ts';

/** `GET /classify?url=` fetches an image, `POST /classify` brings one, or its url as JSON. */
export function classifyRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const path = '/classify';

  routes.get(path, admit(limits), limitRequests, validQuery(classifyQuery), (c) =>
    answerUrl(c, c.req.valid('query')),
  );

  routes.post(path, admit(limits), limitRequests, validQuery(imageQuery), async (c) => {
    const query = c.req.valid('query');
    if (!isJson(c.req.raw)) return answerImage(c, query);
    const { url, model, top } = await withByteBudget(limits.maxHeldBytes, (budget) =>
      readJson(c.req.raw, urlRequest, MAX_JSON_BYTES, limits, budget),
    );
    return answerUrl(c, { url, model: model ?? query.model, top: top ?? query.top });
  });

  return routes;
}

/** A url of the largest size, each of its characters escaped. */
const MAX_JSON_BYTES = 64 * 1024;

interface Question {
  readonly model?: string | undefined;
  readonly top: number;
}

/** Of the image at a url. */
async function answerUrl(
  c: Context<AppEnv>,
  { url, model, top }: Question & { readonly url: string },
): Promise<Response> {
  const service = c.get('service');
  const record = c.get('record');
  record.image = withoutQuery(url);
  const question = { url, model, top, caller: c.get('caller'), isFresh: wantsFresh(c) };
  const result = await classifyUrl(question, service);
  const { answer, etag, cache, ageS, timings } = result;
  record.model = answer.model.id;
  record.cache = cache;
  c.header('etag', etag);
  c.header('cache-control', cacheControl(result, question, service.limits));
  if (cache === 'hit') c.header('age', `${ageS}`);
  c.header('server-timing', serverTiming(timings) || `cache;desc=${cache}`);
  return c.json(answer);
}

/** Of the image in the body. */
async function answerImage(
  c: Context<AppEnv>,
  { model: reference, top }: Question,
): Promise<Response> {
  const { limits } = c.get('service');
  const { id, directory } = await resolveModel(c.env, reference);
  c.get('record').model = id;
  const { answer, timings } = await withByteBudget(limits.maxHeldBytes, async (budget) => {
    prepareModel(c.env, directory, limits.maxLoadedModels);
    const lap = startLaps();
    const file = await readImage(c.req.raw, limits, budget);
    const receive = lap();
    const image = await decodeImage(file, directory, limits, c.env);
    const result = await withModel(c.env, directory, limits.maxLoadedModels, (model) =>
      classifyImage(image, model, top),
    );
    return { ...result, timings: { receive, ...result.timings } };
  });
  c.header('cache-control', 'no-store');
  c.header('server-timing', serverTiming(timings));
  return c.json(answer);
}

/** Answers for an API key or a signed url are for that caller's own cache only. */
function cacheControl(
  { isCacheable }: UrlClassification,
  { caller, isFresh }: { caller: AppEnv['Variables']['caller']; isFresh: boolean },
  { answerMaxAgeS }: Limits,
): string {
  if (!isCacheable || isFresh) return 'no-store';
  const { keyHash, signedUntil } = caller;
  if (signedUntil !== undefined) {
    const leftS = Math.floor(signedUntil - Date.now() / 1000);
    return `private, max-age=${Math.max(0, Math.min(answerMaxAgeS, leftS))}`;
  }
  return `${keyHash === undefined ? 'public' : 'private'}, max-age=${answerMaxAgeS}`;
}

/** @see https://www.w3.org/TR/server-timing/ */
function serverTiming(timings: Timings): string {
  return Object.entries(timings)
    .map(([stage, ms]) => `${stage};dur=${ms.toFixed(1)}`)
    .join(', ');
}
