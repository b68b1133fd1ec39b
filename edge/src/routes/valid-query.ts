import { validator } from 'hono/validator';
import type * as z from 'shared/contract/schema';
import { validate } from '../input/validate.ts';

/**
 * Checks the query of a request by a schema and gives it to the handler as `c.req.valid('query')`.
 *
 * @param schema may be loaded with the first request that needs it: the schemas of all routes together take
 *   a tenth of a cold start
 *
 * @throws ProblemError `invalid_url`, `invalid_request`
 */
export function validQuery<Schema extends z.ZodMiniType>(schema: Schema | (() => Promise<Schema>)) {
  return validator('query', async (value) =>
    validate('query', typeof schema === 'function' ? await schema() : schema, value),
  );
}
