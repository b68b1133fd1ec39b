import { type Context, Hono } from 'hono';
import type { EmbedResponse } from 'shared/contract/responses';
import type { Embedding } from 'shared/contract/vectors';
import { embedImage } from '../../classify/embed-image.ts';
import { encodeEmbedding } from '../../classify/encode-embedding.ts';
import { type ImageSource, imageInBody } from '../../classify/image-source.ts';
import { isJson } from '../../input/read-json.ts';
import type { Limits } from '../../limits.ts';
import { chooseModel } from '../../models/choose-model.ts';
import { admit, limitRequests } from '../admit.ts';
import type { AppEnv } from '../app-env.ts';
import { cacheControl, namedImage, readNaming, serverTiming } from '../image-request.ts';
import { validQuery } from '../valid-query.ts';

const schemas = () => import('shared/contract/search');

/** `GET /embed?url=` names an image; `POST /embed` sends one, or names it in JSON. */
export function embedRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const path = '/embed';

  routes.get(
    path,
    admit(limits),
    limitRequests,
    validQuery(async () => (await schemas()).embedQuery),
    (c) => {
      const { url, ...asked } = c.req.valid('query');
      return respond(c, namedImage(c, url), asked);
    },
  );

  routes.post(
    path,
    admit(limits),
    limitRequests,
    validQuery(async () => (await schemas()).embedImageQuery),
    async (c) => {
      const query = c.req.valid('query');
      if (!isJson(c.req.raw)) return respond(c, imageInBody(c.req.raw, c.get('admission')), query);
      const { url, model, format } = await readNaming(c, (await schemas()).embedUrlRequest, limits);
      const asked = { model: model ?? query.model, format: format ?? query.format };
      return respond(c, namedImage(c, url), asked);
    },
  );

  return routes;
}

async function respond(
  c: Context<AppEnv>,
  source: ImageSource,
  {
    model: reference,
    format,
  }: { readonly model?: string | undefined; readonly format: Embedding['format'] },
): Promise<Response> {
  const admission = c.get('admission');
  const record = c.get('record');
  const { model, isSplit } = await chooseModel(c.env, reference, c.get('client'));
  record.model = model.id;
  record.version = model.version;
  const { result, image, timings, isCacheable } = await embedImage(source, model, admission);
  c.header('cache-control', isCacheable ? cacheControl(admission, isSplit) : 'no-store');
  c.header('server-timing', serverTiming(timings));
  const response: EmbedResponse = {
    model: { id: model.id, version: model.version },
    image,
    embedding: encodeEmbedding(result, format),
  };
  return c.json(response);
}
