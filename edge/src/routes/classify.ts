import { zValidator } from '@hono/zod-validator';
import { Hono } from 'hono';
import { endTime, startTime, timing } from 'hono/timing';
import { topPredictions } from 'shared/predictions';
import { type ClassifyAnswer, classifyQuery } from 'shared/wire';
import { decode } from '../decode.ts';
import type { Env } from '../env.ts';
import { fetchImage } from '../fetch-image.ts';
import { type GuardRules, guardUrl } from '../guard-url.ts';
import type { Limits } from '../limits.ts';
import { loadModel, resolveModelId } from '../model.ts';
import { preprocess } from '../preprocess.ts';
import { ProblemError } from '../problem.ts';

/** `GET /classify?url=&model=&top=`: fetches a picture and says what it shows. */
export function classifyRoute(limits: Limits): Hono<{ Bindings: Env }> {
  const query = zValidator('query', classifyQuery, (result) => {
    if (!result.success) throw queryProblem(result.error.issues);
  });
  return new Hono<{ Bindings: Env }>().get(
    '/',
    timing({ total: false, enabled: (c) => c.res.ok }),
    query,
    async (c) => {
      const { url: rawUrl, model: name, top } = c.req.valid('query');
      const rules: GuardRules = {
        maxUrlLength: limits.maxUrlLength,
        allowLoopback: c.env.ALLOW_LOOPBACK === '1',
        ownHost: new URL(c.req.url).host,
      };
      const url = guardUrl(rawUrl, rules);
      const id = await resolveModelId(c.env, name);
      const loading = loadModel(c.env, id);

      // Timed stage by stage. A deployed Worker's clock stands still but for I/O (so that it cannot
      // measure secrets): there all but `fetch` read 0, and only `wrangler dev` shows them.
      startTime(c, 'fetch');
      const [model, file] = await Promise.all([loading, fetchImage(url, rules, limits)]);
      endTime(c, 'fetch');

      startTime(c, 'decode');
      const { format, picture } = decode(file, limits);
      endTime(c, 'decode');

      startTime(c, 'preprocess');
      const input = preprocess(picture, model.card.preprocess);
      endTime(c, 'preprocess');

      startTime(c, 'inference');
      const probabilities = model.classify(input);
      endTime(c, 'inference');

      const answer: ClassifyAnswer = {
        model: { id, version: model.version },
        image: { width: picture.width, height: picture.height, format, bytes: file.length },
        predictions: topPredictions(probabilities, model.card.labels, top),
      };
      return c.json(answer);
    },
  );
}

function queryProblem(issues: readonly { path: PropertyKey[]; message: string }[]): ProblemError {
  const [issue] = issues;
  if (issue?.path[0] === 'url') {
    return new ProblemError(
      'invalid_url',
      'The query needs one url, as in /classify?url=https://example.com/cat.jpg.',
    );
  }
  const name = String(issue?.path[0] ?? 'query');
  return new ProblemError('invalid_request', `In the query, ${name}: ${issue?.message}.`);
}
