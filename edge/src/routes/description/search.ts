import {
  embedImageQuery,
  embedQuery,
  embedResponse,
  embedUrlRequest,
} from 'shared/contract/search';
import {
  answer,
  imageBody,
  KEY_OR_NOTHING,
  type Paths,
  parametersOf,
  refusal,
} from './operation.ts';

export function describeSearch(): Paths {
  const embedded = answer('The features, in base64.', embedResponse);
  const common = {
    security: KEY_OR_NOTHING,
    responses: { 200: embedded, default: refusal() },
  };
  return {
    '/embed': {
      get: {
        ...common,
        operationId: 'embedUrl',
        summary: "Fetches an image and returns a model's features of it, of norm 1.",
        parameters: parametersOf(embedQuery),
      },
      post: {
        ...common,
        operationId: 'embedImage',
        summary:
          "Returns a model's features of the image in the body, or of the one at the url in it.",
        parameters: parametersOf(embedImageQuery),
        requestBody: imageBody(embedUrlRequest),
      },
    },
  };
}
