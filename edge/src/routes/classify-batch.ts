import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { stream } from 'hono/streaming';
import { type BatchLine, batchLine, batchRequest } from 'shared/wire';
import { admit } from '../admit.ts';
import { classifyUrl, type UrlQuestion } from '../classify-url.ts';
import type { AppEnv } from '../env.ts';
import { limitRate } from '../limit-rate.ts';
import type { Limits } from '../limits.ts';
import { resolveModel } from '../models-index.ts';
import { ProblemError, toProblem } from '../problem.ts';
import { serviceOf, wantsFresh } from '../service.ts';
import { createRoutes, keyOrNothing, problemAnswer } from './describe.ts';

/** A hundred urls of the largest size. */
const MAX_BODY_BYTES = 256 * 1024;

const route = createRoute({
  method: 'post',
  path: '/classify/batch',
  operationId: 'classifyBatch',
  summary: 'Fetches up to 100 pictures and says what each shows.',
  description: 'Answers with a line of JSON for each url, in the order in which they are done.',
  security: keyOrNothing,
  middleware: [
    admit,
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new ProblemError('body_too_large', `The body may have ${MAX_BODY_BYTES} bytes.`);
      },
    }),
  ],
  request: {
    body: { required: true, content: { 'application/json': { schema: batchRequest } } },
  },
  responses: {
    200: {
      description: 'Lines of JSON, one a url.',
      content: { 'application/x-ndjson': { schema: batchLine } },
    },
    default: problemAnswer,
  },
});

/** `POST /classify/batch`: many urls, answered line by line. */
export function classifyBatchRoute(limits: Limits): OpenAPIHono<AppEnv> {
  return createRoutes().openapi(route, async (c) => {
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
    if (!(error instanceof ProblemError)) console.error(error);
    return { problem: toProblem(error) };
  }
}
