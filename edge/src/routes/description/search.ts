import { embedResponse, similarResponse } from 'shared/contract/responses';
import type * as z from 'shared/contract/schema';
import {
  embedImageQuery,
  embedQuery,
  embedUrlRequest,
  similarImageQuery,
  similarQuery,
  similarUrlRequest,
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
  return {
    '/embed': {
      get: {
        ...common(embedResponse, 'The features, in base64.'),
        operationId: 'embedUrl',
        summary: "Fetches an image and returns a model's features of it, of norm 1.",
        parameters: parametersOf(embedQuery),
      },
      post: {
        ...common(embedResponse, 'The features, in base64.'),
        operationId: 'embedImage',
        summary: "Returns a model's features of the image in the body, or of the one at its url.",
        parameters: parametersOf(embedImageQuery),
        requestBody: imageBody(embedUrlRequest),
      },
    },
    // Only services that search answer these.
    '/similar': {
      get: {
        ...common(similarResponse, 'The images, the most similar first.'),
        operationId: 'findSimilarToUrl',
        summary: 'Fetches an image and finds the images of an index that are most like it.',
        parameters: parametersOf(similarQuery),
      },
      post: {
        ...common(similarResponse, 'The images, the most similar first.'),
        operationId: 'findSimilar',
        summary:
          'Finds the images of an index that are most like the one in the body, or at its url.',
        parameters: parametersOf(similarImageQuery),
        requestBody: imageBody(similarUrlRequest),
      },
    },
  };
}

function common(schema: z.ZodMiniType, description: string) {
  return {
    security: KEY_OR_NOTHING,
    responses: { 200: answer(description, schema), default: refusal() },
  };
}
