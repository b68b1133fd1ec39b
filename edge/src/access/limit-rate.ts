import ipaddr from 'ipaddr.js';
import type { Env } from '../env.ts';
import type { FetchRates } from '../input/fetching/fetch-image.ts';
import { isListed, withoutDot } from '../input/fetching/guard-url.ts';
import { ProblemError } from '../problem.ts';
import type { Caller } from './identify-caller.ts';
import type { Settings } from './settings.ts';

/** The binding does not report when its period ends; periods are 10 or 60 seconds long. */
const RETRY_AFTER_S = '60';

/** The caller of a request and its address. */
export interface Client {
  readonly caller: Caller;
  /** As Cloudflare saw it; undefined where the request did not pass through Cloudflare. */
  readonly address: string | undefined;
}

/** Counts the images and fetches of one request. */
export interface RateLimits extends FetchRates {
  /** Requests to image hosts so far, redirects included. */
  readonly fetches: number;
  /** Counts an image against the client. @throws ProblemError `rate_limited` */
  admitImage(): Promise<void>;
  /**
   * Counts a request to an image host against that host, and a redirect also against the client. It never
   * refuses a redirect because of the client, since other requests may share the same fetch.
   *
   * @throws ProblemError `rate_limited`
   */
  admitFetch(url: URL, isRedirect: boolean): Promise<void>;
}

/** Applies the bindings RATE_LIMITER and HOST_RATE_LIMITER, where they are bound. */
export function rateLimitsFor(
  env: Env,
  { caller, address }: Client,
  { allowLoopback, allowedHosts }: Settings,
): RateLimits {
  // In development, requests from this machine are not limited.
  const isDeveloper = allowLoopback && address !== undefined && isLoopback(address);
  const key = nameClient({ caller, address }) ?? 'unknown';
  const isWithin = async (limiter: RateLimit | undefined, key: string): Promise<boolean> =>
    limiter === undefined || isDeveloper || (await limiter.limit({ key })).success;
  let fetches = 0;
  return {
    get fetches() {
      return fetches;
    },
    async admitImage() {
      if (!(await isWithin(env.RATE_LIMITER, key))) throw tooMany('Too many images were requested');
    },
    async admitFetch({ hostname }, isRedirect) {
      fetches += 1;
      if (isRedirect) await isWithin(env.RATE_LIMITER, key);
      const isTrusted = caller.keyHash !== undefined || caller.signedUntil !== undefined;
      const host = withoutDot(hostname);
      if (isTrusted || (allowedHosts && isListed(host, allowedHosts))) return;
      if (!(await isWithin(env.HOST_RATE_LIMITER, host))) {
        throw tooMany(`Too many images from ${host} were requested`);
      }
    },
  };
}

/** One name for all requests of a client; undefined where they cannot be told from those of others. */
export function nameClient({ caller, address }: Client): string | undefined {
  return caller.keyHash ?? (address && networkOf(address));
}

function tooMany(what: string): ProblemError {
  return new ProblemError(
    'rate_limited',
    `${what} in a short time; try again after ${RETRY_AFTER_S} seconds.`,
    { headers: { 'retry-after': RETRY_AFTER_S } },
  );
}

function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

/** A client may use all addresses of its IPv6 /64 network, so they count as one. */
function networkOf(address: string): string {
  return ipaddr.IPv6.isValid(address)
    ? ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`).toString()
    : address;
}
