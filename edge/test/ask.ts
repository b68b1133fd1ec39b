import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { createApp } from '../src/app.ts';
import type { Env } from '../src/env.ts';

/**
 * Asks the app, and waits for what it does behind its answer.
 *
 * @param init without an address of its own, the request comes from this machine, which may ask as
 *   often as it likes
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
  const headers = new Headers(init.headers);
  if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', '127.0.0.1');
  const response = await app.request(path, { ...init, headers }, all, context);
  await waitOnExecutionContext(context);
  return response;
}
