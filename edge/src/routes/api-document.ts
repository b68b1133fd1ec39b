import {
  batchLine,
  classifyResponse,
  healthResponse,
  modelResponse,
  modelsResponse,
} from 'shared/contract/responses';
import * as z from 'shared/contract/schema';
import { batchRequest, classifyQuery, imageQuery, urlRequest } from 'shared/contract/wire';
import { describeFeedback } from './description/feedback.ts';
import { describeJobs } from './description/jobs.ts';
import {
  answer,
  IMAGE,
  imageBody,
  jsonBody,
  KEY_OR_NOTHING,
  type Paths,
  parametersOf,
  refusal,
  SCHEMAS,
} from './description/operation.ts';
import { describeSearch } from './description/search.ts';

/** The service as OpenAPI 3.1 describes it, but for these paths themselves. */
export function describeApi() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'graft',
      version: '1',
      description: 'Classifies images.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    paths: describePaths(),
    components: {
      schemas: describeSchemas(),
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'Needed where the service has API_KEY_HASHES set.',
        },
      },
    },
  } as const;
}

function describePaths(): Paths {
  return {
    ...describeClassification(),
    ...describeSearch(),
    ...describeJobs(),
    ...describeFeedback(),
    ...describeModels(),
    '/health': {
      get: {
        operationId: 'getHealth',
        summary:
          'Says whether the service can compute, on which tfjs backend, and in which arithmetic 8-bit models run.',
        responses: { 200: answer('The service can compute.', healthResponse) },
      },
    },
  };
}

function describeClassification(): Paths {
  const classified = answer('The predictions, the most probable label first.', classifyResponse);
  return {
    '/classify': {
      get: {
        operationId: 'classifyUrl',
        summary: 'Fetches an image and classifies it.',
        security: KEY_OR_NOTHING,
        parameters: parametersOf(classifyQuery),
        responses: { 200: classified, default: refusal() },
      },
      post: {
        operationId: 'classifyImage',
        summary: 'Classifies the image in the body, or the one at the url in it.',
        description:
          'A body of any content type but multipart/form-data and application/json is taken as the ' +
          'image itself. JSON names an image to fetch, whose url may be longer than a query; what it ' +
          'says of model and top goes before the query.',
        security: KEY_OR_NOTHING,
        parameters: parametersOf(imageQuery),
        requestBody: imageBody(urlRequest),
        responses: { 200: classified, default: refusal() },
      },
    },
    '/classify/batch': {
      post: {
        operationId: 'classifyBatch',
        summary: 'Fetches up to 100 images and classifies each.',
        description:
          'Answers with a line of JSON for each url, in the order in which they are classified.',
        security: KEY_OR_NOTHING,
        requestBody: { required: true, content: jsonBody(batchRequest, { urls: [IMAGE] }) },
        responses: {
          200: answer('Lines of JSON, one a url.', batchLine, 'application/x-ndjson'),
          default: refusal(),
        },
      },
    },
  };
}

function describeModels(): Paths {
  return {
    '/models': {
      get: {
        operationId: 'listModels',
        summary: 'Lists the models that a request may name, with their accuracy.',
        responses: { 200: answer('The models.', modelsResponse) },
      },
    },
    '/models/{id}': {
      get: {
        operationId: 'getModel',
        summary: "Returns a model's card: labels, accuracy, preprocessing, training, licences.",
        parameters: [
          {
            name: 'id',
            in: 'path',
            required: true,
            description: 'An id, or id@version.',
            schema: { type: 'string', example: 'imagenet' },
          },
        ],
        responses: { 200: answer('The card.', modelResponse), default: refusal() },
      },
    },
  };
}

/** All that have ids. */
function describeSchemas(): Record<string, object> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    uri: (id) => `${SCHEMAS}${id}`,
    // The schema of labels says for itself what they are.
    unrepresentable: 'any',
    // That the type is read-only in TypeScript is nobody else's concern.
    override: ({ jsonSchema }) => delete jsonSchema.readOnly,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
  );
}
