import { createRoute } from '@hono/zod-openapi';
import { type ModelsAnswer, modelAnswer, modelsAnswer } from 'shared/wire';
import * as z from 'zod';
import type { Env } from '../env.ts';
import {
  type ListedModel,
  listModels,
  loadModelCard,
  loadModelsIndex,
  resolveModel,
} from '../models-index.ts';
import { createRoutes, problemAnswer } from './describe.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/models',
  operationId: 'listModels',
  summary: 'The models that a request may name, and how good each one is.',
  responses: {
    200: { description: 'The models.', content: { 'application/json': { schema: modelsAnswer } } },
  },
});

const cardRoute = createRoute({
  method: 'get',
  path: '/models/{id}',
  operationId: 'getModel',
  summary: "A model's card: labels, accuracy, preprocessing, training, licences.",
  request: {
    params: z.object({
      id: z.string().meta({ description: 'An id, or id@version.', example: 'imagenet' }),
    }),
  },
  responses: {
    200: { description: 'The card.', content: { 'application/json': { schema: modelAnswer } } },
    default: problemAnswer,
  },
});

/** `GET /models` and `GET /models/{id}`. */
export const modelsRoutes = createRoutes()
  .openapi(listRoute, async (c) => {
    const models = await listModels(c.env);
    const answer: ModelsAnswer = {
      default: (await loadModelsIndex(c.env)).default,
      models: await Promise.all([...models.values()].map((versions) => describe(c.env, versions))),
    };
    return c.json(answer, 200);
  })
  .openapi(cardRoute, async (c) => {
    const { directory } = await resolveModel(c.env, c.req.valid('param').id);
    const { version, card } = await loadModelCard(c.env, directory);
    return c.json({ version, card }, 200);
  });

/** @param listed all versions of one model, the current one first */
async function describe(
  env: Env,
  listed: readonly ListedModel[],
): Promise<ModelsAnswer['models'][number]> {
  const [current] = listed as [ListedModel];
  const { card } = await loadModelCard(env, current.directory);
  return {
    id: current.id,
    title: card.title,
    version: current.version,
    versions: listed.map(({ version }) => version),
    classes: card.labels.length,
    size: card.preprocess.size,
    accuracy: card.accuracy,
    bytes: card.quantization.bytes,
  };
}
