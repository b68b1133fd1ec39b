import type { RateLimits } from '../access/limit-rate.ts';
import type { Settings } from '../access/settings.ts';
import { userAgent } from '../input/fetching/fetch-image.ts';
import type { Limits } from '../limits.ts';
import type { Admission } from './admission.ts';

/** @param origin of the request to the Worker, which never fetches from itself */
export function outboundFor(
  origin: string,
  settings: Settings,
  limits: Limits,
  rates: RateLimits,
): Admission['outbound'] {
  return {
    userAgent: userAgent(settings.contact ?? `${origin}/`),
    rules: {
      maxUrlLength: limits.maxUrlLength,
      allowLoopback: settings.allowLoopback,
      ownHost: new URL(origin).host,
      allowedHosts: settings.allowedHosts,
    },
    rates,
  };
}
