import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from './env.ts';
import { VIA } from './fetch-image.ts';
import { identifyCaller } from './identify-caller.ts';
import { limitRate } from './limit-rate.ts';
import { ProblemError } from './problem.ts';

/**
 * Stands before every route that classifies: who asks, and whether this Worker asks itself.
 *
 * @throws ProblemError `blocked_target`, `unauthorized`
 */
export const admit: MiddlewareHandler<AppEnv> = async (c, next) => {
  // The Worker may have more names than the one that it knows, and hosts may redirect it to itself.
  if (c.req.header('via')?.includes(VIA)) {
    throw new ProblemError('blocked_target', 'The service does not fetch from itself.');
  }
  // A signature is for the one picture that a `GET /classify` names, and for no body.
  const { url, expires, signature } = c.req.method === 'POST' ? {} : c.req.query();
  const authorization = c.req.header('authorization');
  c.set('caller', await identifyCaller({ authorization, url, expires, signature }, c.env));
  await next();
};

/** Stands before the routes that classify one picture. @throws ProblemError `rate_limited` */
export const limitRequests: MiddlewareHandler<AppEnv> = async (c, next) => {
  await limitRate(c.env, c.get('caller'), c.req.header('cf-connecting-ip'));
  await next();
};
