import { type Context, Hono } from 'hono';
import { classifyQuery, imageQuery, urlRequest } from 'shared/contract/wire';
import { classifyChosen } from '../classify/classify-chosen.ts';
import type { Wanted } from '../classify/classify-image.ts';
import { type ImageSource, imageInBody } from '../classify/image-source.ts';
import { isJson } from '../input/read-json.ts';
import type { Limits } from '../limits.ts';
import { chooseModel } from '../models/choose-model.ts';
import { admit, limitRequests } from './admit.ts';
import type { AppEnv } from './app-env.ts';
import { cacheControl, namedImage, readNaming, serverTiming } from './image-request.ts';
import { validQuery } from './valid-query.ts';

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
    const body = await readNaming(c, urlRequest, limits);
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
  return respond(c, namedImage(c, url), asked);
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
