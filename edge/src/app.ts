import { Hono } from 'hono';
import type { Env } from './env.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { ProblemError, problemResponse } from './problem.ts';
import { classifyRoute } from './routes/classify.ts';
import { healthRoute } from './routes/health.ts';
import { modelsRoute } from './routes/models.ts';

const paths = ['/classify', '/models', '/health'];

/** The Worker's routes. @param limits lowered in tests */
export function createApp(limits: Limits = defaultLimits): Hono<{ Bindings: Env }> {
  const app = new Hono<{ Bindings: Env }>();
  app.use(async (c, next) => {
    await next();
    c.header('x-content-type-options', 'nosniff');
  });
  app.get('/', (c) =>
    c.json({ service: 'graft', paths: ['/classify?url=', '/models', '/health'] }),
  );
  app.route('/classify', classifyRoute(limits));
  app.route('/models', modelsRoute);
  app.route('/health', healthRoute);
  for (const path of paths) {
    app.all(path, () => {
      const response = problemResponse(
        new ProblemError('method_not_allowed', `${path} takes GET only.`),
      );
      response.headers.set('allow', 'GET, HEAD');
      return response;
    });
  }
  app.notFound(() =>
    problemResponse(
      new ProblemError('not_found', `There is nothing here; try ${paths.join(', ')}.`),
    ),
  );
  app.onError((error) => {
    if (!(error instanceof ProblemError)) console.error(error);
    return problemResponse(error);
  });
  return app;
}
