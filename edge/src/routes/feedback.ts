import { type Context, Hono } from 'hono';
import { requireKey } from '../access/identify-caller.ts';
import { readSettings } from '../access/settings.ts';
import { labelImage, listKept, readKept } from '../feedback/kept-images.ts';
import { readJson } from '../input/read-json.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { admit, limitRequests } from './admit.ts';
import type { AppEnv } from './app-env.ts';
import { validQuery } from './valid-query.ts';

/** An id and a label. */
const MAX_JSON_BYTES = 4096;

const schemas = () => import('shared/contract/feedback');

/** `POST /feedback` says what a kept image shows; `GET /feedback` and below hand them out, for an API key. */
export function feedbackRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post('/feedback', admit(limits), limitRequests, async (c) => {
    const bucket = bucketOf(c);
    const { feedbackRequest } = await schemas();
    const { id, label } = await withByteBudget(limits.maxHeldBytes, (budget) =>
      readJson(c.req.raw, feedbackRequest, MAX_JSON_BYTES, limits, budget),
    );
    await labelImage(bucket, id, label);
    return c.body(null, 204);
  });

  routes.get(
    '/feedback',
    admit(limits),
    limitRequests,
    validQuery(async () => (await schemas()).feedbackQuery),
    async (c) => {
      const { lines, next } = await listKept(ownersBucket(c), c.req.valid('query').after);
      if (next) c.header('link', `</feedback?after=${encodeURIComponent(next)}>; rel="next"`);
      c.header('content-type', 'application/x-ndjson');
      return c.body(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    },
  );

  routes.get('/feedback/:id', admit(limits), limitRequests, async (c) => {
    c.header('content-type', 'application/octet-stream');
    return c.body(await readKept(ownersBucket(c), c.req.param('id')));
  });

  return routes;
}

function bucketOf(c: Context<AppEnv>): R2Bucket {
  c.header('cache-control', 'no-store');
  if (c.env.FEEDBACK) return c.env.FEEDBACK;
  throw new ProblemError('not_found', 'This service keeps no images.');
}

function ownersBucket(c: Context<AppEnv>): R2Bucket {
  const bucket = bucketOf(c);
  requireKey(c.get('admission').caller, readSettings(c.env), 'Kept images');
  return bucket;
}
