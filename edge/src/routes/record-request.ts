import type { MiddlewareHandler } from 'hono';
import { toProblemError } from '../problem.ts';
import type { AppEnv, RequestRecord } from './app-env.ts';

/**
 * Writes one line of JSON per request to the log, and one data point to METRICS where that is bound:
 * index `model`; blobs method, path, status, problem code, cache, version; double milliseconds.
 */
export const recordRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const start = Date.now();
  const record: RequestRecord = {};
  c.set('record', record);
  await next();
  const ms = Date.now() - start;
  const { method, path } = c.req;
  const { status } = c.res;
  const code = c.error && toProblemError(c.error).code;
  const line = { id: c.get('requestId'), method, path, status, code, ms, ...record };
  console.log(JSON.stringify(line));
  c.env.METRICS?.writeDataPoint({
    indexes: [record.model ?? ''],
    blobs: [method, path, `${status}`, code ?? '', record.cache ?? '', record.version ?? ''],
    doubles: [ms],
  });
};

/** A url without what the log must not hold; undefined where it is not an http(s) url. */
export function withoutQuery(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return undefined;
  return (parsed.origin + parsed.pathname).slice(0, 256);
}
