import type * as z from 'shared/contract/schema';
import { ProblemError } from '../problem.ts';

/** Parses a value by a schema. @throws ProblemError `invalid_url`, `invalid_request` */
export function validate<Schema extends z.ZodMiniType>(
  target: 'query' | 'json',
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw validationProblem(target, error.issues);
}

function validationProblem(target: string, issues: readonly z.core.$ZodIssue[]): ProblemError {
  const [issue] = issues;
  if (target === 'query' && issue?.path[0] === 'url') {
    return new ProblemError(
      'invalid_url',
      'The query must have exactly one url, as in /classify?url=https://example.com/cat.jpg.',
    );
  }
  const name = issue?.path.join('.') || target;
  const where = target === 'json' ? 'body' : target;
  if (issue?.code === 'unrecognized_keys') {
    // These are often the rest of a url that was not encoded.
    const advice = target === 'query' ? '; percent-encode the url of the image' : '';
    return new ProblemError(
      'invalid_request',
      `The ${where} has the unknown field ${issue.keys.join(', ').slice(0, 200)}${advice}.`,
    );
  }
  return new ProblemError(
    'invalid_request',
    `The field ${name} of the ${where} is not valid: ${issue?.message}.`,
  );
}
