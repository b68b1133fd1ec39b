import { type Context, Hono } from 'hono';
import type { Limits } from '../limits.ts';
import { admit, limitRequests } from './admit.ts';
import type { AppEnv } from './app-env.ts';

/** A source and a model, in JSON. */
const MAX_JSON_BYTES = 64 * 1024;

/** `/jobs` and what is below it. Most services have no jobs, so their code is loaded with the first request. */
export function jobsRoutes(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post('/jobs', admit(limits), limitRequests, async (c) => {
    const { env, keyHash } = await openJobs(c);
    const { readJobRequest } = await import('./read-jobs-request.ts');
    const request = await readJobRequest(c.req.raw, MAX_JSON_BYTES, limits);
    const { origin } = new URL(c.req.url);
    const { startJob } = await import('../jobs/manage-job.ts');
    const job = await startJob(env, request, keyHash, origin, limits);
    c.get('record').model = job.model;
    c.header('location', `/jobs/${job.id}`);
    return c.json(job, 202);
  });

  routes.get('/jobs/:id', admit(limits), limitRequests, async (c) => {
    const { env, keyHash } = await openJobs(c);
    const { showJob } = await import('../jobs/manage-job.ts');
    return c.json(await showJob(env, c.req.param('id'), keyHash, limits));
  });

  routes.get('/jobs/:id/results', admit(limits), limitRequests, async (c) => {
    const { env, keyHash } = await openJobs(c);
    const id = c.req.param('id');
    const { findJob } = await import('../jobs/manage-job.ts');
    const { job } = await findJob(env, id, keyHash);
    const { readResultsQuery } = await import('./read-jobs-request.ts');
    const { readResults } = await import('../jobs/read-results.ts');
    const { body, next } = await readResults(env, job, readResultsQuery(c.req.query()), limits);
    c.header('content-type', 'application/x-ndjson');
    if (next !== undefined) {
      const [[name = '', value = ''] = []] = Object.entries(next);
      c.header('link', `</jobs/${id}/results?${name}=${value}>; rel="next"`);
    }
    return c.body(body);
  });

  routes.post('/jobs/:id/cancel', admit(limits), limitRequests, async (c) => {
    const { env, keyHash } = await openJobs(c);
    const { cancelJob } = await import('../jobs/manage-job.ts');
    return c.json(await cancelJob(env, c.req.param('id'), keyHash), 202);
  });

  routes.post('/jobs/:id/retry', admit(limits), limitRequests, async (c) => {
    const { env, keyHash } = await openJobs(c);
    const { retryJob } = await import('../jobs/manage-job.ts');
    return c.json(await retryJob(env, c.req.param('id'), keyHash, limits), 202);
  });

  return routes;
}

async function openJobs(c: Context<AppEnv>) {
  c.header('cache-control', 'no-store');
  const { withJobs } = await import('../jobs/job.ts');
  const env = withJobs(c.env);
  const { keyHashOf } = await import('../jobs/manage-job.ts');
  return { env, keyHash: keyHashOf(env, c.get('admission').caller) };
}
