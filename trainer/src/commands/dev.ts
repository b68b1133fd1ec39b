import { defineCommand } from './options/command.ts';
import { runInProject } from './options/run-in-project.ts';

export const dev = defineCommand({
  name: 'dev',
  about: 'Serve your models on this machine, with a page to try them on',
  details: 'wrangler dev, which takes all its options: the Worker as it will run on Cloudflare.',
  examples: [
    ['dev', 'then open http://localhost:8787'],
    ['dev --port 8000', 'on another port'],
    ['dev --var ALLOW_LOOPBACK:1', 'and images that this machine serves'],
  ],
  options: {},
  passesTo: 'wrangler dev',
  run: ({ typed }) => runInProject('wrangler', ['dev', ...typed]),
});
