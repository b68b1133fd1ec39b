import { createApp } from './app.ts';
import { defaultLimits } from './limits.ts';
import { jobsRoutes } from './routes/jobs.ts';
import { similarRoutes } from './routes/search/similar.ts';
import withJobs from './with-jobs.ts';

export { JobWorkflow } from './with-jobs.ts';

/** The Worker with similar images and jobs: an entry of its own, as {@link withJobs} is. */
export default {
  ...withJobs,
  fetch: createApp(defaultLimits, jobsRoutes(defaultLimits), similarRoutes(defaultLimits)).fetch,
};
