import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { createApp } from '../src/app.ts';
import type { Env } from '../src/env.ts';

/**
 * Sends a request to the app, and waits for the work that goes on after its response.
 *
 * @param init without a client address, the request comes from this machine, which has no rate limit
 * @param bindings in addition to those of wrangler.jsonc; fetches from this machine are allowed
 */
export async function ask(
  app: ReturnType<typeof createApp>,
  path: string,
  init: RequestInit = {},
  bindings: Partial<Env> = {},
): Promise<Response> {
  const context = createExecutionContext();
  const all = { ...env, ALLOW_LOOPBACK: '1', ...bindings } as Env;
  const headers = new Headers(init.headers);
  if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', '127.0.0.1');
  const response = await app.request(path, { ...init, headers }, all, context);
  await waitOnExecutionContext(context);
  return response;
}
