import { Hono } from 'hono';
import type { AppEnv } from './app-env.ts';

/**
 * `GET /openapi.json` describes the service, and `GET /api` shows that. Both are read when somebody
 * asks: until then the Worker makes no schema of its answers.
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
