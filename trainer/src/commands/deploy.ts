import { defineCommand } from './options/command.ts';
import { runInProject } from './options/run-in-project.ts';

export const deploy = defineCommand({
  name: 'deploy',
  about: 'Deploy the Worker and your models to your Cloudflare account',
  details:
    'wrangler deploy, which takes all its options; then says who may use the Worker, and how to change that. ' +
    'A new model is a new deployment. --jobs adds the queues, the bucket and the Workflow of graft jobs, --search the bucket of indexes for /similar.',
  examples: [
    ['deploy', 'log in to Cloudflare in the browser, and deploy'],
    ['deploy --dry-run', 'build all of it, and send nothing'],
    ['deploy --jobs', 'with jobs, which classify whole buckets'],
  ],
  options: {},
  passesTo: 'wrangler deploy',
  run: ({ typed }) => runInProject('deploy', typed),
});
