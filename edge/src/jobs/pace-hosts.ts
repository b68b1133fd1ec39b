import type { RateLimits } from '../access/limit-rate.ts';
import type { Settings } from '../access/settings.ts';
import type { Env } from '../env.ts';
import { isListed, withoutDot } from '../input/fetching/guard-url.ts';
import type { Limits } from '../limits.ts';
import { ProblemError } from '../problem.ts';

/** A job's requests to image hosts, which wait where a caller's would be refused. */
export interface HostPace extends RateLimits {
  /**
   * Waits until a host may be asked again.
   *
   * @param until in milliseconds since 1970
   * @returns whether that was so in time
   */
  waitFor(host: string, until: number): Promise<boolean>;
}

const PAUSE_MS = 2_000;

/** When each host may be asked next, by all jobs of the isolate, in milliseconds since 1970. */
const nextAt = new Map<string, number>();

/** A key does not exempt a job from HOST_RATE_LIMITER as it does a request; ALLOWED_HOSTS does. */
export function paceHosts(env: Env, { allowedHosts }: Settings, { jobs }: Limits): HostPace {
  const admits = async (host: string): Promise<boolean> => {
    const limiter = env.HOST_RATE_LIMITER;
    if (!limiter || (allowedHosts && isListed(host, allowedHosts))) return true;
    return (await limiter.limit({ key: host })).success;
  };
  let fetches = 0;
  return {
    get fetches() {
      return fetches;
    },
    admitImage: async () => {},
    async admitFetch({ hostname }, isRedirect) {
      fetches += 1;
      const host = withoutDot(hostname);
      if (!isRedirect || (await admits(host))) return;
      throw new ProblemError('rate_limited', `Too many images from ${host} were requested.`);
    },
    async waitFor(hostname, until) {
      const host = withoutDot(hostname);
      while (Date.now() < until) {
        await waitForTurn(host, jobs.hostIntervalMs);
        if (await admits(host)) return true;
        await scheduler.wait(PAUSE_MS * (0.5 + Math.random()));
      }
      return false;
    },
  };
}

async function waitForTurn(host: string, intervalMs: number): Promise<void> {
  const now = Date.now();
  // The hosts of long ago say nothing any more.
  if (nextAt.size > 1_000) for (const [name, at] of nextAt) if (at < now) nextAt.delete(name);
  const at = Math.max(now, nextAt.get(host) ?? 0);
  nextAt.set(host, at + intervalMs);
  if (at > now) await scheduler.wait(at - now);
}
