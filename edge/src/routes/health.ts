import { createRoute } from '@hono/zod-openapi';
import { healthAnswer } from 'shared/wire';
import { startBackend } from '../backend.ts';
import { createRoutes } from './describe.ts';

const route = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  summary: 'Whether the service can compute, and on which tfjs backend.',
  responses: {
    200: { description: 'It can.', content: { 'application/json': { schema: healthAnswer } } },
  },
});

/** `GET /health`. */
export const healthRoute = createRoutes().openapi(route, async (c) => {
  c.header('cache-control', 'no-store');
  return c.json({ status: 'ok', backend: await startBackend() } as const, 200);
});
