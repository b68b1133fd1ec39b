import { Hono } from 'hono';
import type { ModelResponse, ModelsResponse } from 'shared/contract/responses';
import type { AppEnv, Env } from '../env.ts';
import {
  type ListedModel,
  listModels,
  loadModelCard,
  loadModelsIndex,
  resolveModel,
} from '../models/models-index.ts';

/** `GET /models` and `GET /models/{id}`. */
export const modelsRoutes = new Hono<AppEnv>()
  .get('/models', async (c) => {
    const models = await listModels(c.env);
    const answer: ModelsResponse = {
      default: (await loadModelsIndex(c.env)).default,
      models: await Promise.all([...models.values()].map((versions) => describe(c.env, versions))),
    };
    return c.json(answer);
  })
  .get('/models/:id', async (c) => {
    const { directory } = await resolveModel(c.env, c.req.param('id'));
    const { version, card } = await loadModelCard(c.env, directory);
    return c.json({ version, card } satisfies ModelResponse);
  });

/** @param listed all versions of one model, the current one first */
async function describe(
  env: Env,
  listed: readonly ListedModel[],
): Promise<ModelsResponse['models'][number]> {
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
