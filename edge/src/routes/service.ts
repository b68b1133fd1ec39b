import type { Context } from 'hono';
import { rateLimitsFor } from '../access/limit-rate.ts';
import type { Settings } from '../access/settings.ts';
import type { Service } from '../classify/classify-url.ts';
import type { AppEnv } from '../env.ts';
import { userAgent } from '../input/fetching/fetch-image.ts';
import type { Limits } from '../limits.ts';

/** What a request's context says about where it is answered, and by which rules. */
export function serviceOf(c: Context<AppEnv>, settings: Settings, limits: Limits): Service {
  const { host, origin } = new URL(c.req.url);
  const client = { caller: c.get('caller'), address: c.req.header('cf-connecting-ip') };
  return {
    env: c.env,
    limits,
    outbound: {
      userAgent: userAgent(settings.contact ?? `${origin}/`),
      rules: {
        maxUrlLength: limits.maxUrlLength,
        allowLoopback: settings.allowLoopback,
        ownHost: host,
        allowedHosts: settings.allowedHosts,
      },
      rates: rateLimitsFor(c.env, client, settings),
    },
  };
}

/** Whether the request asks to go past the cache. */
export function wantsFresh(c: Context<AppEnv>): boolean {
  return /\bno-(cache|store)\b/i.test(c.req.header('cache-control') ?? '');
}
