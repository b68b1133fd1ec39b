import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../env.ts';
import { VIA } from '../input/fetching/fetch-image.ts';
import type { Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';
import { serviceOf } from '../routes/service.ts';
import { identifyCaller } from './identify-caller.ts';
import { readSettings } from './settings.ts';

/**
 * Stands before every route that classifies: who asks, and whether this Worker asks itself.
 *
 * @throws ProblemError `blocked_target`, `unauthorized`, `misconfigured`
 */
export function admit(limits: Limits): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    // The Worker may have more names than the one that it knows, and hosts may redirect it to itself.
    if (c.req.header('via')?.includes(VIA)) {
      throw new ProblemError('blocked_target', 'The service does not fetch from itself.');
    }
    const settings = readSettings(c.env);
    // A signature is for the one image that a `GET /classify` names, and for no body.
    const { url, expires, signature } = c.req.method === 'POST' ? {} : c.req.query();
    const authorization = c.req.header('authorization');
    c.set('caller', await identifyCaller({ authorization, url, expires, signature }, settings));
    c.set('service', serviceOf(c, settings, limits));
    await next();
  };
}

/** Stands before the routes that classify one image. @throws ProblemError `rate_limited` */
export const limitRequests: MiddlewareHandler<AppEnv> = async (c, next) => {
  await c.get('service').outbound.rates.admitImage();
  await next();
};
