import { defineCommand } from './options/command.ts';
import { fromEnvironment, nameOf, positiveOf, usage } from './options/option-values.ts';
import * as shared from './options/shared-options.ts';

const ACTIONS = ['start', 'status', 'results', 'cancel', 'retry'] as const;

export const jobs = defineCommand({
  name: 'jobs',
  about: 'Classify a whole bucket or a list of urls with your deployed Worker',
  details:
    'start, status, results, cancel or retry, the last for what failed. The Worker needs graft deploy --jobs. ' +
    'One of its API keys is read from GRAFT_API_KEY, and its url from GRAFT_WORKER where --worker is not given.',
  takes: '<action> [<id>]',
  examples: [
    ['jobs start --bucket photos --model pets', 'from BUCKET_PHOTOS'],
    ['jobs status 0b2e8a6c-1d3f-4c55-9e0a-7f6d5c4b3a29', 'how far it is'],
    ['jobs results 0b2e8a6c-1d3f-4c55-9e0a-7f6d5c4b3a29', 'one line an image'],
  ],
  options: {
    ...shared.worker,
    bucket: {
      group: 'Images',
      value: '<name>',
      about: 'an R2 bucket that the Worker binds as BUCKET_<NAME>',
      otherwise: '--urls',
      parse: nameOf,
    },
    prefix: {
      group: 'Images',
      value: '<text>',
      about: 'how the keys in the bucket begin',
      otherwise: 'all of it',
      parse: nameOf,
    },
    follow: {
      group: 'Images',
      about: 'classify what comes into the bucket later too',
    },
    index: {
      group: 'Output',
      value: '<name>',
      about: 'an index of the images for /similar, instead of classes',
      parse: nameOf,
    },
    urls: {
      group: 'Images',
      value: '<key>',
      about: "a list in the jobs' bucket, such as urls/list.txt, a url a line",
      otherwise: '--bucket',
      parse: nameOf,
    },
    model: {
      group: 'Images',
      value: '<id>',
      about: 'one of the models that the Worker serves',
      otherwise: 'its default',
      parse: nameOf,
    },
    top: {
      group: 'Output',
      value: '<n>',
      about: 'how many classes an image, the most probable first',
      default: '5',
      parse: positiveOf,
    },
    ...shared.json,
  },
  async run({ values, positionals, say }) {
    const [typed = '', id, ...more] = positionals;
    const action = ACTIONS.find((name) => name === typed);
    if (!action || more.length > 0) {
      throw usage(
        `Expected one of ${ACTIONS.join(', ')}, but got ${positionals.join(' ') || 'nothing'}.`,
      );
    }
    const { connectToJobs } = await import('../jobs/jobs-client.ts');
    const { formatJob } = await import('../jobs/format-job.ts');
    const client = connectToJobs(
      values.worker ?? fromEnvironment('GRAFT_WORKER', 'the url of your Worker'),
      fromEnvironment('GRAFT_API_KEY', 'an API key of your Worker'),
    );
    if (action === 'start') {
      if (id !== undefined) throw usage(`Expected options after start, but got ${id}.`);
      const { bucket, prefix, urls, model, top, follow, index } = values;
      if ((bucket === undefined) === (urls === undefined)) {
        throw usage('Expected --bucket or --urls, and one of them.');
      }
      if (follow && bucket === undefined) throw usage('Expected --bucket with --follow.');
      const source = bucket === undefined ? { urls } : { bucket, ...(prefix && { prefix }) };
      const job = await client.start({
        ...{ source, top, follow },
        ...(model && { model }),
        ...(index && { index }),
      });
      return say(values.json ? JSON.stringify(job) : formatJob(job));
    }
    if (id === undefined) throw usage(`Expected the id of a job after ${action}.`);
    if (action !== 'results') {
      const job = await client[action](id);
      return say(values.json ? JSON.stringify(job) : formatJob(job));
    }
    for await (const lines of client.results(id)) if (lines !== '') say(lines.trimEnd());
  },
});
