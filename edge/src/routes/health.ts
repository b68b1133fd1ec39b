import { Hono } from 'hono';
import type { HealthAnswer } from 'shared/answers';
import { startBackend } from '../backend.ts';
import type { AppEnv } from '../env.ts';

/** `GET /health`. */
export const healthRoute = new Hono<AppEnv>().get('/health', async (c) => {
  c.header('cache-control', 'no-store');
  return c.json({ status: 'ok', backend: await startBackend() } satisfies HealthAnswer);
});
