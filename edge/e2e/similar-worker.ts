import type { ChunkMessage, Env } from '../src/env.ts';
import worker from '../src/with-search.ts';

export { JobWorkflow } from '../src/with-search.ts';

/** The Worker that searches, into whose bucket a bench puts an index: `PUT /<key>`. */
export default {
  ...worker,
  async fetch(request, env, context) {
    if (request.method !== 'PUT') return worker.fetch(request, env, context);
    await env.SEARCH?.put(new URL(request.url).pathname.slice(1), request.body);
    return new Response();
  },
} satisfies ExportedHandler<Env, ChunkMessage>;
