import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { stream } from 'hono/streaming';
import type { BatchLine } from 'shared/answers';
import { batchRequest } from 'shared/wire';
import { admit } from '../admit.ts';
import { classifyUrl, type UrlQuestion } from '../classify-url.ts';
import type { AppEnv } from '../env.ts';
import { limitRate } from '../limit-rate.ts';
import type { Limits } from '../limits.ts';
import { resolveModel } from '../models-index.ts';
import { ProblemError, toProblem, toProblemError } from '../problem.ts';
import { serviceOf, wantsFresh } from '../service.ts';
import { valid } from './valid.ts';

/** A hundred urls of the largest size. */
const MAX_BODY_BYTES = 256 * 1024;

const limitBody = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw new ProblemError('body_too_large', `The body may have ${MAX_BODY_BYTES} bytes.`);
  },
});

/** `POST /classify/batch`: many urls, answered line by line. */
export function classifyBatchRoute(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/classify/batch', admit, limitBody, valid('json', batchRequest), async (c) => {
    const { urls, model, top } = c.req.valid('json');
    const { id } = await resolveModel(c.env, model);
    const record = c.get('record');
    record.model = id;
    record.urls = urls.length;
    const caller = c.get('caller');
    const isFresh = wantsFresh(c);
    c.header('content-type', 'application/x-ndjson');
    c.header('cache-control', 'no-store');
    return stream(c, async (lines) => {
      const waiting = urls.entries();
      const work = async (): Promise<void> => {
        for (const [index, url] of waiting) {
          if (lines.aborted) return;
          const outcome = await answerOne(c, limits, { url, model, top, caller, isFresh });
          await lines.writeln(JSON.stringify({ index, url, ...outcome } satisfies BatchLine));
        }
      };
      await Promise.all(Array.from({ length: limits.batchConcurrency }, work));
    });
  });
  return routes;
}

type Outcome =
  | Pick<Extract<BatchLine, { answer: unknown }>, 'answer'>
  | Pick<Extract<BatchLine, { problem: unknown }>, 'problem'>;

async function answerOne(
  c: Context<AppEnv>,
  limits: Limits,
  question: UrlQuestion,
): Promise<Outcome> {
  try {
    await limitRate(c.env, question.caller, c.req.header('cf-connecting-ip'));
    return { answer: (await classifyUrl(question, serviceOf(c, limits))).answer };
  } catch (error) {
    if (toProblemError(error).code === 'internal') console.error(error);
    return { problem: toProblem(error) };
  }
}
