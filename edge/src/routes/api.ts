import { Hono } from 'hono';
import type { AppEnv } from './app-env.ts';

/**
 * `GET /openapi.json` describes the service, and `GET /api` shows the description as a page. Both are loaded
 * with the first request for them, since the Worker needs the schemas of its responses for nothing else.
 */
export const apiRoutes = new Hono<AppEnv>()
  .get('/openapi.json', async (c) => {
    const { describeApi } = await import('./api-document.ts');
    return c.json(describeApi());
  })
  .get('/api', async (c) => {
    const { showApi } = await import('./api-page.ts');
    return showApi(c);
  });
