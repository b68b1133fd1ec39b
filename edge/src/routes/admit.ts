import type { MiddlewareHandler } from 'hono';
import { identifyCaller } from '../access/identify-caller.ts';
import { nameClient, rateLimitsFor } from '../access/limit-rate.ts';
import { readSettings } from '../access/settings.ts';
import { outboundFor } from '../classify/outbound.ts';
import { VIA } from '../input/fetching/fetch-image.ts';
import type { Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import type { AppEnv } from './app-env.ts';

/**
 * Runs before every route that classifies: identifies the caller and sets `client` and `admission`.
 *
 * @throws ProblemError `blocked_target`, `unauthorized`, `misconfigured`
 */
export function admit(limits: Limits): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // A Worker may have names that it does not know, and other hosts may redirect it to itself.
    if (c.req.header('via')?.includes(VIA)) {
      throw new ProblemError('blocked_target', 'The service does not fetch from itself.');
    }
    const settings = readSettings(c.env);
    // A signature covers the url of one `GET /classify`, never a body, nor what other routes tell.
    const isSignable = c.req.method !== 'POST' && c.req.path.endsWith('/classify');
    const { url, expires, signature } = isSignable ? c.req.query() : {};
    const authorization = c.req.header('authorization');
    const caller = await identifyCaller({ authorization, url, expires, signature }, settings);
    const { origin } = new URL(c.req.url);
    const client = { caller, address: c.req.header('cf-connecting-ip') };
    c.set('client', nameClient(client) ?? c.get('requestId'));
    c.set('admission', {
      env: c.env,
      limits,
      caller,
      isFresh: /\bno-(cache|store)\b/i.test(c.req.header('cache-control') ?? ''),
      outbound: outboundFor(origin, settings, limits, rateLimitsFor(c.env, client, settings)),
    });
    await next();
  };
}

/** Runs before the routes that classify one image. @throws ProblemError `rate_limited` */
export const limitRequests: MiddlewareHandler<AppEnv> = async (c, next) => {
  await c.get('admission').outbound.rates.admitImage();
  await next();
};
