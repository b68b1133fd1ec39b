import { validator } from 'hono/validator';
import type * as z from 'shared/contract/schema';
import { validate } from './validate.ts';

/**
 * Lets requests through whose query is what a schema says, as `c.req.valid('query')`.
 *
 * @throws ProblemError `invalid_url`, `invalid_request`
 */
export function validQuery<Schema extends z.ZodMiniType>(schema: Schema) {
  return validator('query', (value) => validate('query', schema, value));
}
