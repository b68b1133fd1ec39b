import { type JobRequest, jobRequest, resultsQuery } from 'shared/contract/jobs';
import { readJson } from '../input/read-json.ts';
import { validate } from '../input/validate.ts';
import { withByteBudget } from '../isolate/byte-budget.ts';
import type { ResultsPosition } from '../jobs/read-results.ts';
import type { Limits } from '../limits.ts';

/** @throws ProblemError as `readJson` does */
export function readJobRequest(
  request: Request,
  maxBytes: number,
  limits: Limits,
): Promise<JobRequest> {
  return withByteBudget(limits.maxHeldBytes, (budget) =>
    readJson(request, jobRequest, maxBytes, limits, budget),
  );
}

/** @throws ProblemError `invalid_request` */
export function readResultsQuery(query: Readonly<Record<string, string>>): ResultsPosition {
  return validate('query', resultsQuery, query);
}
