import type { Context } from 'hono';
import type { Service } from './classify-url.ts';
import { type AppEnv, listOf } from './env.ts';
import type { Limits } from './limits.ts';

/** What a request's context says about where it is answered, and by which rules. */
export function serviceOf(c: Context<AppEnv>, limits: Limits): Service {
  const { ALLOW_LOOPBACK, ALLOWED_HOSTS } = c.env;
  return {
    env: c.env,
    limits,
    rules: {
      maxUrlLength: limits.maxUrlLength,
      allowLoopback: ALLOW_LOOPBACK === '1',
      ownHost: new URL(c.req.url).host,
      allowedHosts: ALLOWED_HOSTS === undefined ? undefined : listOf(ALLOWED_HOSTS),
    },
  };
}

/** Whether the request asks to go past the cache. */
export function wantsFresh(c: Context<AppEnv>): boolean {
  return /\bno-(cache|store)\b/i.test(c.req.header('cache-control') ?? '');
}
