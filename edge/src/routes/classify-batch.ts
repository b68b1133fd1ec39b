import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { BatchLine } from 'shared/contract/responses';
import { batchRequest } from 'shared/contract/wire';
import { admit } from '../access/admit.ts';
import { classifyUrl, type Service, type UrlQuestion } from '../classify/classify-url.ts';
import type { AppEnv } from '../env.ts';
import { readJson } from '../input/read-json.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import { resolveModel } from '../models/models-index.ts';
import { ProblemError, toProblem, toProblemError } from '../problem.ts';
import { wantsFresh } from './service.ts';

/** A hundred urls of the largest size, and what JSON adds to them. */
const MAX_BODY_BYTES = 1024 * 1024;

/** `POST /classify/batch`: many urls, answered line by line. */
export function classifyBatchRoute(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/classify/batch', admit(limits), async (c) => {
    const { urls, model, top } = await withByteBudget(limits.maxHeldBytes, (budget) =>
      readJson(c.req.raw, batchRequest, MAX_BODY_BYTES, limits, budget),
    );
    const { id } = await resolveModel(c.env, model);
    const record = c.get('record');
    record.model = id;
    record.urls = urls.length;
    const caller = c.get('caller');
    const service = c.get('service');
    const isFresh = wantsFresh(c);
    c.header('content-type', 'application/x-ndjson');
    c.header('cache-control', 'no-store');
    return stream(c, async (lines) => {
      const waiting = urls.entries();
      const work = async (): Promise<void> => {
        for (const [index, url] of waiting) {
          if (lines.aborted) return;
          const outcome = await answerOne({ url, model, top, caller, isFresh }, service);
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

async function answerOne(question: UrlQuestion, service: Service): Promise<Outcome> {
  const { rates } = service.outbound;
  try {
    await rates.admitImage();
    const isOpen = question.caller.keyHash === undefined;
    if (isOpen && rates.fetches >= service.limits.maxBatchFetches) throw spent(rates.fetches);
    return { answer: (await classifyUrl(question, service)).answer };
  } catch (error) {
    if (toProblemError(error).code === 'internal') console.error(error);
    return { problem: toProblem(error) };
  }
}

function spent(fetches: number): ProblemError {
  return new ProblemError(
    'rate_limited',
    `This batch has made ${fetches} requests to hosts of images, redirects included; send the rest apart.`,
  );
}
