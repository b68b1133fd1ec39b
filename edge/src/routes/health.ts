import { Hono } from 'hono';
import type { HealthAnswer } from 'shared/wire';
import { startBackend } from '../backend.ts';
import type { Env } from '../env.ts';

/** `GET /health`: whether the isolate can compute, and on which tfjs backend. */
export const healthRoute = new Hono<{ Bindings: Env }>().get('/', async (c) => {
  const answer: HealthAnswer = { status: 'ok', backend: await startBackend() };
  return c.json(answer);
});
