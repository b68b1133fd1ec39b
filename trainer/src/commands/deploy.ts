import { defineCommand } from './options/command.ts';
import { runInProject } from './options/run-in-project.ts';

export const deploy = defineCommand({
  name: 'deploy',
  about: 'Deploy the Worker and your models to your Cloudflare account',
  details:
    'wrangler deploy, which takes all its options; then says who may use the Worker, and how to change that. ' +
    'A new model is a new deployment.',
  examples: [
    ['deploy', 'log in to Cloudflare in the browser, and deploy'],
    ['deploy --dry-run', 'build all of it, and send nothing'],
    ['deploy --env staging', 'as an environment of wrangler.jsonc'],
  ],
  options: {},
  passesTo: 'wrangler deploy',
  run: ({ typed }) => runInProject('deploy', typed),
});
