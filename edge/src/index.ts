import { createApp } from './app.ts';
import type { ChunkMessage, Env } from './env.ts';
import { defaultLimits } from './limits.ts';

export { JobWorkflow } from './jobs/job-workflow.ts';

export default {
  fetch: createApp().fetch,
  async queue(batch, env) {
    const { consume } = await import('./jobs/consume.ts');
    await consume(batch, env, defaultLimits);
  },
} satisfies ExportedHandler<Env, ChunkMessage>;
