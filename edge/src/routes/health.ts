import { Hono } from 'hono';
import type { HealthResponse } from 'shared/contract/responses';
import { int8Arithmetic, startBackend } from '../models/backend.ts';
import type { AppEnv } from './app-env.ts';

/** `GET /health`. */
export const healthRoute = new Hono<AppEnv>().get('/health', async (c) => {
  c.header('cache-control', 'no-store');
  const backend = await startBackend();
  return c.json({ status: 'ok', backend, ...int8Arithmetic() } satisfies HealthResponse);
});
