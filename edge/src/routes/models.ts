import { Hono } from 'hono';
import type { Candidate } from 'shared/contract/models-index';
import type { ModelResponse, ModelsResponse } from 'shared/contract/responses';
import {
  type ListedModel,
  listModels,
  loadModelsIndex,
  resolveModel,
} from '../models/models-index.ts';
import type { AppEnv } from './app-env.ts';

/** `GET /models` and `GET /models/{id}`. */
export const modelsRoutes = new Hono<AppEnv>()
  .get('/models', async (c) => {
    const models = await listModels(c.env);
    const { default: byDefault, candidates } = await loadModelsIndex(c.env);
    const response: ModelsResponse = {
      default: byDefault,
      models: [...models].map(([id, listed]) => describe(listed, candidates?.[id])),
    };
    return c.json(response);
  })
  .get('/models/:id', async (c) => {
    const { version, card } = await resolveModel(c.env, c.req.param('id'));
    return c.json({ version, card } satisfies ModelResponse);
  });

/** @param listed all versions of one model, the current one first */
function describe(
  listed: readonly ListedModel[],
  candidate: Candidate | undefined,
): ModelsResponse['models'][number] {
  const [{ id, version, card }] = listed as [ListedModel];
  const isThere = listed.some((one) => one.version === candidate?.version);
  return {
    id,
    title: card.title,
    version,
    versions: listed.map(({ version }) => version),
    ...(candidate && isThere ? { candidate } : {}),
    classes: card.labels.length,
    size: card.preprocess.size,
    accuracy: card.accuracy,
    bytes: card.quantization.bytes,
  };
}
