import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { recordRequest } from './access/record-request.ts';
import { readCorsOrigins } from './access/settings.ts';
import type { AppEnv } from './env.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { ProblemError, problemResponse } from './problem.ts';
import { apiRoutes } from './routes/api.ts';
import { classifyRoutes } from './routes/classify.ts';
import { classifyBatchRoute } from './routes/classify-batch.ts';
import { healthRoute } from './routes/health.ts';
import { modelsRoutes } from './routes/models.ts';

/** The Worker's routes. @param limits lowered in tests */
export function createApp(limits: Limits = defaultLimits): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestId());
  app.use(recordRequest);
  app.use(headers);
  app.use(crossOrigin);
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...retainedHeaders] }));

  app.route('/', classifyRoutes(limits));
  app.route('/', classifyBatchRoute(limits));
  app.route('/', modelsRoutes);
  app.route('/', healthRoute);
  app.route('/', apiRoutes);

  refuseOtherMethods(app);
  // A route, and not `notFound`: Hono runs that one outside of the middleware.
  app.all('*', () => {
    throw new ProblemError('not_found', 'There is nothing here; /api says what there is.');
  });
  app.onError((error, c) => {
    const problem = problemResponse(error);
    if (problem.status === 500) console.error(c.get('requestId'), error);
    // Hono's own response has the request's id among its headers.
    return c.newResponse(problem.body, problem);
  });
  return app;
}

/** Of a 304, which the client needs with it. */
const retainedHeaders = [
  'access-control-allow-origin',
  'access-control-expose-headers',
  'x-request-id',
];

const headers = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  // Whether the domain's other names have TLS is not this Worker's to say.
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

/** Whatever the routes above do not take, on the paths that they do take. */
function refuseOtherMethods(app: Hono<AppEnv>): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue;
    methodsByPath.set(path, (methodsByPath.get(path) ?? new Set()).add(method));
  }
  for (const [path, methods] of methodsByPath) {
    if (methods.has('GET')) methods.add('HEAD');
    const allow = [...methods].join(', ');
    app.all(path, () => {
      throw new ProblemError('method_not_allowed', `${path} takes ${allow} only.`, {
        headers: { allow },
      });
    });
  }
}
