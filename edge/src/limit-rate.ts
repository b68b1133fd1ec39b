import ipaddr from 'ipaddr.js';
import type { Env } from './env.ts';
import type { Caller } from './identify-caller.ts';
import { ProblemError } from './problem.ts';

/** The binding does not say when a client may come again; its periods are 10 or 60 seconds. */
const RETRY_AFTER_S = '60';

/**
 * Counts a picture against the caller's API key, or else the client's address.
 *
 * @param address as Cloudflare saw it; undefined in development
 * @throws ProblemError `rate_limited`
 */
export async function limitRate(
  env: Env,
  caller: Caller,
  address: string | undefined,
): Promise<void> {
  if (!env.RATE_LIMITER) return;
  const key = caller.keyHash ?? networkOf(address ?? 'unknown');
  const { success } = await env.RATE_LIMITER.limit({ key });
  if (success) return;
  throw new ProblemError(
    'rate_limited',
    `Too many pictures in too short a time; try again after ${RETRY_AFTER_S} seconds.`,
    { headers: { 'retry-after': RETRY_AFTER_S } },
  );
}

/** One client may have all the addresses of an IPv6 /64 network. */
function networkOf(address: string): string {
  return ipaddr.IPv6.isValid(address)
    ? ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()
    : address;
}
