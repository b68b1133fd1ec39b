import type { RateLimits } from '../../access/limit-rate.ts';
import type { Settings } from '../../access/settings.ts';
import type { Env } from '../../env.ts';
import { isListed, withoutDot } from '../../input/fetching/guard-url.ts';
import type { Limits } from '../../limits.ts';
import { ProblemError } from '../../problem.ts';

/** A job's requests to image hosts, which wait where a caller's would be refused. */
export interface HostPace extends RateLimits {
  /**
   * Waits until the host of a url may be asked again.
   *
   * @param until in milliseconds since 1970
   * @returns whether that was so in time
   * @throws ProblemError `fetch_failed` for a host that rests
   */
  waitFor(url: URL, until: number): Promise<boolean>;
}

const PAUSE_MS = 2_000;

/** So many hosts are remembered before those of long ago are forgotten. */
const MANY_HOSTS = 1_000;

/** When each host may be asked next, by all jobs of the isolate, in milliseconds since 1970. */
const nextAt = new Map<string, number>();

/** Requests in a row that failed, by host and port, and when the last of them did. */
const failures = new Map<string, { readonly count: number; readonly at: number }>();

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
    async admitFetch(url, isRedirect) {
      refuseResting(url, jobs);
      fetches += 1;
      const host = withoutDot(url.hostname);
      if (!isRedirect || (await admits(host))) return;
      throw new ProblemError('rate_limited', `Too many images from ${host} were requested.`);
    },
    noteHost(url, works) {
      if (works) return void failures.delete(url.host);
      const at = Date.now();
      forget(failures, (failure) => failure.at + jobs.hostRestMs < at);
      failures.set(url.host, { count: (failures.get(url.host)?.count ?? 0) + 1, at });
    },
    async waitFor(url, until) {
      const host = withoutDot(url.hostname);
      while (Date.now() < until) {
        refuseResting(url, jobs);
        await waitForTurn(host, jobs.hostIntervalMs);
        if (await admits(host)) return true;
        await scheduler.wait(PAUSE_MS * (0.5 + Math.random()));
      }
      return false;
    },
  };
}

/** A host that failed too often is not asked for a while; then one more failure is enough. */
function refuseResting({ host }: URL, { maxHostFailures, hostRestMs }: Limits['jobs']): void {
  const { count, at } = failures.get(host) ?? { count: 0, at: 0 };
  if (count < maxHostFailures || Date.now() - at >= hostRestMs) return;
  throw new ProblemError(
    'fetch_failed',
    `${host} failed ${count} times in a row and is not asked for a while; retry the job once it works.`,
  );
}

async function waitForTurn(host: string, intervalMs: number): Promise<void> {
  const now = Date.now();
  forget(nextAt, (at) => at < now);
  const at = Math.max(now, nextAt.get(host) ?? 0);
  nextAt.set(host, at + intervalMs);
  if (at > now) await scheduler.wait(at - now);
}

function forget<T>(hosts: Map<string, T>, isOld: (of: T) => boolean): void {
  if (hosts.size <= MANY_HOSTS) return;
  for (const [host, of] of hosts) if (isOld(of)) hosts.delete(host);
}
