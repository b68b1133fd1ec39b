import type { ExportedHandler } from '@cloudflare/workers-types';
import type { Hono } from 'hono';
import { createApp } from './app.ts';
import type { Env } from './env.ts';
import worker from './index.ts';
import { defaultLimits, type Limits } from './limits.ts';

// What the published package exports: the whole Worker, and the same as a part of another one.

export type { Env, Limits };

export interface ClassifierOptions {
  /** Those that are not given are the Worker's own. */
  readonly limits?: Partial<Limits>;
}

/**
 * The routes of the Worker, to mount below a path of another Hono app:
 *
 *     app.route('/vision', classifier());
 *
 * Then `GET /vision/classify?url=…` responds. They need the bindings of {@link Env}.
 */
export function classifier({ limits }: ClassifierOptions = {}): Hono<{ Bindings: Env }> {
  return createApp({ ...defaultLimits, ...limits }) as unknown as Hono<{ Bindings: Env }>;
}

/** The Worker itself: `export { default } from '@graftjs/edge'`. */
const handler: ExportedHandler<Env> = worker;
export default handler;
