import { Hono } from 'hono';
import type { ModelsAnswer } from 'shared/wire';
import type { Env } from '../env.ts';
import { loadModelCard, loadModelsIndex } from '../model.ts';

/** `GET /models`: what `model=` may be, and how good each one is. */
export const modelsRoute = new Hono<{ Bindings: Env }>().get('/', async (c) => {
  const index = await loadModelsIndex(c.env);
  const answer: ModelsAnswer = {
    default: index.default,
    models: await Promise.all(
      index.models.map(async (id) => {
        const { card, version } = await loadModelCard(c.env, id);
        return {
          id,
          title: card.title,
          version,
          classes: card.labels.length,
          size: card.preprocess.size,
          accuracy: card.accuracy,
          bytes: card.quantization.bytes,
        };
      }),
    ),
  };
  return c.json(answer);
});
