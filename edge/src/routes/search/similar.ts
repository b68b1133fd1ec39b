import { type Context, Hono } from 'hono';
import { similarImageQuery, similarQuery, similarUrlRequest } from 'shared/contract/search';
import { type ImageSource, imageInBody } from '../../classify/image-source.ts';
import { isJson } from '../../input/read-json.ts';
import type { Limits } from '../../limits.ts';
import { findSimilar } from '../../search/find-similar.ts';
import { admit, limitRequests } from '../admit.ts';
import type { AppEnv } from '../app-env.ts';
import { namedImage, readNaming, serverTiming } from '../image-request.ts';
import { validQuery } from '../valid-query.ts';

/** `GET /similar?url=` names an image; `POST /similar` sends one, or names it in JSON. */
export function similarRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const path = '/similar';

  routes.get(path, admit(limits), limitRequests, validQuery(similarQuery), (c) => {
    const { url, ...asked } = c.req.valid('query');
    return respond(c, namedImage(c, url), asked);
  });

  routes.post(path, admit(limits), limitRequests, validQuery(similarImageQuery), async (c) => {
    const query = c.req.valid('query');
    if (!isJson(c.req.raw)) return respond(c, imageInBody(c.req.raw, c.get('admission')), query);
    const { url, index, top } = await readNaming(c, similarUrlRequest, limits);
    const asked = { index: index ?? query.index, top: top ?? query.top };
    return respond(c, namedImage(c, url), asked);
  });

  return routes;
}

async function respond(
  c: Context<AppEnv>,
  source: ImageSource,
  asked: { readonly index: string; readonly top: number },
): Promise<Response> {
  const { response, timings } = await findSimilar(source, asked, c.get('admission'));
  const record = c.get('record');
  record.model = response.model.id;
  record.version = response.model.version;
  // An index may be replaced at any time.
  c.header('cache-control', 'no-store');
  c.header('server-timing', serverTiming(timings));
  return c.json(response);
}
