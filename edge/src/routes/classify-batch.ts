import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { BatchLine } from 'shared/contract/responses';
import { batchRequest } from 'shared/contract/wire';
import type { Admission } from '../classify/admission.ts';
import { classifyChosen } from '../classify/classify-chosen.ts';
import type { Wanted } from '../classify/classify-image.ts';
import { imageAtUrl } from '../classify/image-source.ts';
import { readJson } from '../input/read-json.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { Limits } from '../limits.ts';
import { type ChosenModel, chooseModel } from '../models/choose-model.ts';
import { ProblemError, toProblem, toProblemError } from '../problem.ts';
import { admit } from './admit.ts';
import type { AppEnv } from './app-env.ts';

/** A hundred urls of the greatest length, and what JSON adds to them. */
const MAX_BODY_BYTES = 1024 * 1024;

/** `POST /classify/batch`: many urls, and one line of the response for each. */
export function classifyBatchRoute(limits: Limits): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/classify/batch', admit(limits), async (c) => {
    const request = await withByteBudget(limits.maxHeldBytes, (budget) =>
      readJson(c.req.raw, batchRequest, MAX_BODY_BYTES, limits, budget),
    );
    const { urls, top, unknown } = request;
    const chosen = await chooseModel(c.env, request.model, c.get('client'));
    const record = c.get('record');
    record.model = chosen.model.id;
    record.version = chosen.model.version;
    record.urls = urls.length;
    const admission = c.get('admission');
    c.header('content-type', 'application/x-ndjson');
    c.header('cache-control', 'no-store');
    return stream(c, async (lines) => {
      const waiting = urls.entries();
      const work = async (): Promise<void> => {
        for (const [index, url] of waiting) {
          if (lines.aborted) return;
          const outcome = await classifyOne(url, chosen, { top, unknown }, admission);
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

async function classifyOne(
  url: string,
  chosen: ChosenModel,
  wanted: Wanted,
  admission: Admission,
): Promise<Outcome> {
  const { caller, limits, outbound } = admission;
  try {
    await outbound.rates.admitImage();
    const { fetches } = outbound.rates;
    if (caller.keyHash === undefined && fetches >= limits.maxBatchFetches) throw spent(fetches);
    const { response } = await classifyChosen(
      imageAtUrl(url, admission),
      chosen,
      wanted,
      admission,
    );
    return { answer: response };
  } catch (error) {
    if (toProblemError(error).code === 'internal') console.error(error);
    return { problem: toProblem(error) };
  }
}

function spent(fetches: number): ProblemError {
  return new ProblemError(
    'rate_limited',
    `This batch has already made ${fetches} requests to image hosts, redirects included; send the remaining urls in another batch.`,
  );
}
