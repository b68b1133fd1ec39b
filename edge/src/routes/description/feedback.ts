import { feedbackLine, feedbackQuery, feedbackRequest } from 'shared/contract/feedback';
import {
  answer,
  KEY_OR_NOTHING,
  type Paths,
  parametersOf,
  refusal,
  toJsonSchema,
} from './operation.ts';

export function describeFeedback(): Paths {
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
