import { createApp } from './app.ts';
import type { ChunkMessage, Env, ObjectEvent } from './env.ts';
import { consume } from './jobs/consume.ts';
import { defaultLimits } from './limits.ts';
import { jobsRoutes } from './routes/jobs.ts';

export { JobWorkflow } from './jobs/job-workflow.ts';

/** The Worker with jobs: an entry of its own, so that the code of jobs costs nothing where there are none. */
export default {
  fetch: createApp(defaultLimits, jobsRoutes(defaultLimits)).fetch,
  queue: (batch, env) => consume(batch, env, defaultLimits),
} satisfies ExportedHandler<Env, ChunkMessage | ObjectEvent>;
