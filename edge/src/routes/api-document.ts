import { feedbackLine, feedbackQuery, feedbackRequest } from 'shared/contract/feedback';
import { jobRequest, resultsQuery } from 'shared/contract/jobs';
import {
  batchLine,
  classifyResponse,
  healthResponse,
  jobLine,
  jobResponse,
  modelResponse,
  modelsResponse,
  problem,
} from 'shared/contract/responses';
import * as z from 'shared/contract/schema';
import { batchRequest, classifyQuery, imageQuery, urlRequest } from 'shared/contract/wire';

/** What the page needs of https://spec.openapis.org/oas/v3.1.0#operation-object. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<Record<string, { description: string; content?: Content }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly required: boolean;
  readonly description?: string | undefined;
  readonly schema: object;
}

export interface RequestBody {
  readonly required: true;
  readonly content: Content;
  /** What the operation takes too, but a generated client would then send for all bodies. */
  readonly 'x-content'?: Content;
}

type Content = Readonly<Record<string, { readonly schema: object; readonly example?: object }>>;

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

type Paths = Record<string, Partial<Record<'get' | 'post', Operation>>>;

function describePaths(): Paths {
  return {
    ...describeClassification(),
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
  const image = { type: 'string', format: 'binary' };
  const form = { type: 'object', properties: { image }, required: ['image'] };
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
        requestBody: {
          required: true,
          content: {
            'application/octet-stream': { schema: image },
            'multipart/form-data': { schema: form },
          },
          'x-content': jsonBody(urlRequest, { url: IMAGE }),
        },
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

/** Only services that have jobs answer these. */
function describeJobs(): Paths {
  const job = answer('The job, and how far it is.', jobResponse);
  return {
    '/jobs': {
      post: {
        operationId: 'startJob',
        summary: 'Classifies all images of a bucket or of a list of urls.',
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

function describeFeedback(): Paths {
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } } as const;
  const octets = { 'application/octet-stream': { schema: id.schema } };
  const security = [{ apiKey: [] }];
  const lines = answer('Lines of JSON, one an image.', feedbackLine, 'application/x-ndjson');
  const body = { 'application/json': { schema: toJsonSchema(feedbackRequest) } };
  return {
    '/feedback': {
      get: {
        operationId: 'listKeptImages',
        summary: 'Lists the kept images, with what the model and people said of them.',
        security,
        parameters: parametersOf(feedbackQuery),
        responses: { 200: lines, default: refusal() },
      },
      post: {
        operationId: 'labelImage',
        summary: 'Says what an image shows that the service has kept.',
        security: KEY_OR_NOTHING,
        requestBody: { required: true, content: body },
        responses: { 204: { description: 'Noted.' }, default: refusal() },
      },
    },
    '/feedback/{id}': {
      get: {
        operationId: 'getKeptImage',
        summary: 'Returns a kept image.',
        security,
        ...{ parameters: [id], responses: { 200: { description: 'The file.', content: octets } } },
      },
    },
  };
}

/** Either of them lets a request in, where the service asks for a key. */
const KEY_OR_NOTHING = [{ apiKey: [] }, {}];

const SCHEMAS = '#/components/schemas/';

/** @param schema one that has an id */
function answer(description: string, schema: z.ZodMiniType, type = 'application/json') {
  const { id } = z.globalRegistry.get(schema) as { id: string };
  return { description, content: { [type]: { schema: { $ref: `${SCHEMAS}${id}` } } } };
}

const IMAGE = 'https://example.com/cat.jpg';

function jsonBody(schema: z.ZodMiniType, example: object): Content {
  return { 'application/json': { schema: toJsonSchema(schema), example } };
}

function refusal() {
  return answer('A problem; its code says which.', problem, 'application/problem+json');
}

function parametersOf(query: z.ZodMiniObject): Parameter[] {
  const { properties = {}, required = [] } = toJsonSchema(query);
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as z.core.JSONSchema.BaseSchema;
    return { name, in: 'query', required: required.includes(name), description, schema };
  });
}

/** Of what a request may have. */
function toJsonSchema(schema: z.ZodMiniType): z.core.JSONSchema.BaseSchema {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return json;
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
