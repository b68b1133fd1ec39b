import type { Caller } from '../access/identify-caller.ts';
import type { RateLimits } from '../access/limit-rate.ts';
import type { Env } from '../env.ts';
import type { Outbound } from '../input/fetching/fetch-image.ts';
import type { Limits } from '../limits.ts';

/** A request that may classify: for whom, and within which limits. */
export interface Admission {
  readonly env: Env;
  readonly limits: Limits;
  readonly caller: Caller;
  /** Whether the request bypasses the cache and shares no other request's work. */
  readonly isFresh: boolean;
  readonly outbound: Outbound & { readonly rates: RateLimits };
}
