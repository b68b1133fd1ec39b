import type { Limits } from '../limits.ts';

/** How long a job waits for more results: a twentieth of the time so far, within bounds. */
export function pauseMs(
  { runStartedAt, updatedAt }: { readonly runStartedAt: number; readonly updatedAt: number },
  { jobs }: Limits,
): number {
  const { minPollMs, maxPollMs } = jobs;
  return Math.round(Math.min(maxPollMs, Math.max(minPollMs, (updatedAt - runStartedAt) / 20)));
}
