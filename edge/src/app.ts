import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { readCorsOrigins } from './access/settings.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { ProblemError, problemResponse } from './problem.ts';
import { apiRoutes } from './routes/api.ts';
import type { AppEnv } from './routes/app-env.ts';
import { classifyRoutes } from './routes/classify.ts';
import { classifyBatchRoute } from './routes/classify-batch.ts';
import { feedbackRoutes } from './routes/feedback.ts';
import { healthRoute } from './routes/health.ts';
import { modelsRoutes } from './routes/models.ts';
import { recordRequest } from './routes/record-request.ts';
import { embedRoutes } from './routes/search/embed.ts';

/**
 * The Worker's routes.
 *
 * @param limits which tests lower
 * @param more routes, of a Worker that does more
 */
export function createApp(limits: Limits = defaultLimits, ...more: Hono<AppEnv>[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.use(recordRequest);
  app.use(headers);
  app.use(crossOrigin);
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...retainedHeaders] }));
  app.use(refuseUnknownPaths);
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }));

  app.route('/', classifyRoutes(limits));
  app.route('/', classifyBatchRoute(limits));
  app.route('/', embedRoutes(limits));
  for (const routes of more) app.route('/', routes);
  app.route('/', feedbackRoutes(limits));
  app.route('/', modelsRoutes);
  app.route('/', healthRoute);
  app.route('/', apiRoutes);

  app.onError((error, c) => {
    const problem = problemResponse(error);
    if (problem.status === 500) console.error(c.get('requestId'), error);
    // Unlike a plain Response, Hono's has the headers that were set before, such as the request's id.
    return c.newResponse(problem.body, problem);
  });
  return app;
}

/** Headers that a client needs with a 304, besides those that Hono retains. */
const retainedHeaders = [
  'access-control-allow-origin',
  'access-control-expose-headers',
  'x-request-id',
];

const headers = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  // Without subdomains: the Worker does not know whether these have TLS.
  strictTransportSecurity: 'max-age=15552000',
  overwrite: false,
});

const corsHeaders = cors({
  origin: (origin, c) => {
    const allowed = readCorsOrigins(c.env);
    return allowed.includes('*') ? '*' : allowed.includes(origin) ? origin : null;
  },
  allowMethods: ['GET', 'HEAD', 'POST'],
  allowHeaders: ['authorization', 'content-type', 'cache-control'],
  exposeHeaders: ['etag', 'retry-after', 'server-timing', 'x-request-id'],
  maxAge: 86_400,
});

const crossOrigin: typeof corsHeaders = async (c, next) => {
  const { CORS_ORIGINS } = c.env as AppEnv['Bindings'];
  return CORS_ORIGINS === undefined ? next() : corsHeaders(c, next);
};

/** Not `notFound`, whose errors Hono handles outside of the middleware above. */
const refuseUnknownPaths: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.res.status === 404 && !c.error) {
    throw new ProblemError('not_found', 'There is nothing at this path; /api lists all paths.');
  }
};

function refuseMethod(c: Context<AppEnv>, methods: string[]): never {
  const allow = methods.join(', ');
  throw new ProblemError('method_not_allowed', `${c.req.path} allows ${allow} only.`, {
    headers: { allow },
  });
}
