import type { ExportedHandler } from '@cloudflare/workers-types';
import type { ChunkMessage, Env } from './env.ts';
import worker, { JobWorkflow as Workflow } from './with-search.ts';

// What the published package exports as `@graftjs/edge/with-search`.

/** The Worker with similar images and jobs. */
const handler: ExportedHandler<Env, ChunkMessage> = worker;
export default handler;

/** The Workflow that wrangler's configuration names; the runtime makes its instances. */
export const JobWorkflow: new (...args: never) => object = Workflow;
