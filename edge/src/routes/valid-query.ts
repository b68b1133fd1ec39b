import { validator } from 'hono/validator';
import type * as z from 'shared/contract/schema';
import { validate } from '../input/validate.ts';

/**
 * Checks the query of a request by a schema and gives it to the handler as `c.req.valid('query')`.
 *
 * @throws ProblemError `invalid_url`, `invalid_request`
 */
export function validQuery<Schema extends z.ZodMiniType>(schema: Schema) {
  return validator('query', (value) => validate('query', schema, value));
}
