import { jobRequest, resultsQuery } from 'shared/contract/jobs';
import { jobLine, jobResponse } from 'shared/contract/responses';
import {
  answer,
  jsonBody,
  type Parameter,
  type Paths,
  parametersOf,
  refusal,
} from './operation.ts';

/** Only services that have jobs answer these. */
export function describeJobs(): Paths {
  const job = answer('The job, and how far it is.', jobResponse);
  return {
    '/jobs': {
      post: {
        operationId: 'startJob',
        summary:
          'Classifies all images of a bucket or of a list of urls, or makes an index of them.',
        description: 'Needs an API key, also where the rest is open; its jobs are of no other key.',
        security: [{ apiKey: [] }],
        requestBody: {
          required: true,
          content: jsonBody(jobRequest, { source: { bucket: 'photos', prefix: '2026/' } }),
        },
        responses: { 202: job, default: refusal() },
      },
    },
    ...describeJob(job),
  };
}

/** What a request does to one job. */
function describeJob(job: ReturnType<typeof answer>): Paths {
  const id: Parameter = {
    name: 'id',
    in: 'path',
    required: true,
    description: 'As the response of POST /jobs gives it.',
    schema: { type: 'string', format: 'uuid' },
  };
  const common = { security: [{ apiKey: [] }], parameters: [id] };
  return {
    '/jobs/{id}': {
      get: {
        ...common,
        operationId: 'getJob',
        summary: 'Says how far a job is, and what it has cost.',
        responses: { 200: job, default: refusal() },
      },
    },
    '/jobs/{id}/results': {
      get: {
        ...common,
        operationId: 'getJobResults',
        summary: 'Returns the results that there are, in the order of the source.',
        description:
          'A response has up to 30,000 lines; where there are more, its Link header has the path of the next.',
        parameters: [id, ...parametersOf(resultsQuery)],
        responses: {
          200: answer('Lines of JSON, one an image.', jobLine, 'application/x-ndjson'),
          default: refusal(),
        },
      },
    },
    '/jobs/{id}/cancel': {
      post: {
        ...common,
        operationId: 'cancelJob',
        summary: 'Ends a job; what is classified stays.',
        responses: { 202: job, default: refusal() },
      },
    },
    '/jobs/{id}/retry': {
      post: {
        ...common,
        operationId: 'retryJob',
        summary: 'Classifies again the images that have a problem.',
        responses: { 202: job, default: refusal() },
      },
    },
  };
}
