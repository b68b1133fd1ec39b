import { Hono } from 'hono';
import { classifyQuery, pictureQuery } from 'shared/wire';
import { admit, limitRequests } from '../admit.ts';
import { withByteBudget } from '../byte-budget.ts';
import { classifyPicture, decodePicture, startLaps, type Timings } from '../classify-picture.ts';
import { classifyUrl, type UrlClassification } from '../classify-url.ts';
import type { AppEnv } from '../env.ts';
import type { Limits } from '../limits.ts';
import { withModel } from '../model.ts';
import { resolveModel } from '../models-index.ts';
import { readPicture } from '../read-picture.ts';
import { withoutQuery } from '../record-request.ts';
import { serviceOf, wantsFresh } from '../service.ts';
import { valid } from './valid.ts';

/** `GET /classify?url=` fetches a picture, `POST /classify` brings one. */
export function classifyRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const path = '/classify';

  routes.get(path, admit, limitRequests, valid('query', classifyQuery), async (c) => {
    const { url, model, top } = c.req.valid('query');
    const caller = c.get('caller');
    const record = c.get('record');
    record.picture = withoutQuery(url);
    const question = { url, model, top, caller, isFresh: wantsFresh(c) };
    const result = await classifyUrl(question, serviceOf(c, limits));
    const { answer, etag, cache, ageS, timings } = result;
    record.model = answer.model.id;
    record.cache = cache;
    c.header('etag', etag);
    c.header('cache-control', cacheControl(result, question, limits));
    if (cache === 'hit') c.header('age', `${ageS}`);
    c.header('server-timing', serverTiming(timings) || `cache;desc=${cache}`);
    return c.json(answer);
  });

  routes.post(path, admit, limitRequests, valid('query', pictureQuery), async (c) => {
    const { model: reference, top } = c.req.valid('query');
    const { id, directory } = await resolveModel(c.env, reference);
    c.get('record').model = id;
    const { answer, timings } = await withByteBudget(limits.maxHeldBytes, (budget) =>
      withModel(c.env, directory, limits.maxLoadedModels, async (loading) => {
        const readAndDecode = async () => {
          const lap = startLaps();
          const file = await readPicture(c.req.raw, limits, budget);
          const receive = lap();
          return { picture: await decodePicture(file, directory, limits, c.env), receive };
        };
        const [model, { picture, receive }] = await Promise.all([loading, readAndDecode()]);
        const result = classifyPicture(picture, model, top);
        return { ...result, timings: { receive, ...result.timings } };
      }),
    );
    c.header('cache-control', 'no-store');
    c.header('server-timing', serverTiming(timings));
    return c.json(answer);
  });

  return routes;
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
