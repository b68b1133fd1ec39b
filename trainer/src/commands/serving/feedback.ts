import { defineCommand } from '../options/command.ts';
import { fromEnvironment, pathOf, usage } from '../options/option-values.ts';
import * as shared from '../options/shared-options.ts';

export const feedback = defineCommand({
  name: 'feedback',
  about: 'Bring the images that your deployed Worker doubted, to label them',
  details:
    'They go into _feedback in the folder, with a line of JSON each in feedback.jsonl. The Worker needs the bucket FEEDBACK. ' +
    'One of its API keys is read from GRAFT_API_KEY, and its url from GRAFT_WORKER where --worker is not given.',
  takes: 'pull',
  examples: [
    ['feedback pull --to photos', 'into photos/_feedback'],
    ['feedback pull --worker https://x.example.com', 'from there'],
    ['feedback pull', 'into ./_feedback'],
  ],
  options: {
    ...shared.worker,
    to: {
      group: 'Output',
      value: '<folder>',
      about: 'of images',
      otherwise: 'this one',
      parse: pathOf,
    },
  },
  async run({ values, positionals, say }) {
    if (positionals.join(' ') !== 'pull') {
      throw usage(`Expected pull, but got ${positionals.join(' ') || 'nothing'}.`);
    }
    const { connectToWorker } = await import('../../jobs/worker-client.ts');
    const { pullFeedback } = await import('../../jobs/pull-feedback.ts');
    const send = connectToWorker(
      values.worker ?? fromEnvironment('GRAFT_WORKER', 'the url of your Worker'),
      fromEnvironment('GRAFT_API_KEY', 'an API key of your Worker'),
    );
    const { images, added, path } = await pullFeedback(send, values.to ?? pathOf('.', 'to'));
    say(`${added} new images; there are ${images} in ${path}.`);
  },
});
