import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { createApp } from '../src/app.ts';
import type { Env } from '../src/env.ts';

/**
 * Asks the app, and waits for what it does behind its answer.
 *
 * @param bindings beside those of wrangler.jsonc; this machine may be fetched from
 */
export async function ask(
  app: ReturnType<typeof createApp>,
  path: string,
  init: RequestInit = {},
  bindings: Partial<Env> = {},
): Promise<Response> {
  const context = createExecutionContext();
  const all = { ...env, ALLOW_LOOPBACK: '1', ...bindings } as Env;
  const response = await app.request(path, init, all, context);
  await waitOnExecutionContext(context);
  return response;
}
