import type { OpenAPIHono } from '@hono/zod-openapi';
import { Hono } from 'hono';
import type { AppEnv } from '../env.ts';
import { type ApiDocument, apiPage } from './api-page.ts';
import { securitySchemes } from './describe.ts';

/** `GET /openapi.json`, which describes the routes of `app`, and `GET /api`, which shows it. */
export function apiRoutes(app: OpenAPIHono<AppEnv>): Hono<AppEnv> {
  let written: ApiDocument | undefined;
  const describe = (): ApiDocument => {
    written ??= write(app);
    return written;
  };
  return new Hono<AppEnv>()
    .get('/openapi.json', (c) => c.json(describe()))
    .get('/api', (c) => apiPage(c, describe()));
}

function write(app: OpenAPIHono<AppEnv>): ApiDocument {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', securitySchemes.apiKey);
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'graft',
      version: '1',
      description: 'Says what a picture shows.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  });
}
