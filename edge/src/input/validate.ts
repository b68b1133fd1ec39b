import type * as z from 'shared/contract/schema';
import { ProblemError } from '../problem.ts';

/** Takes what a schema says. @throws ProblemError `invalid_url`, `invalid_request` */
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
      'The query needs one url, as in /classify?url=https://example.com/cat.jpg.',
    );
  }
  const name = issue?.path.join('.') || target;
  const where = target === 'json' ? 'body' : target;
  if (issue?.code === 'unrecognized_keys') {
    // What is left of a url that was not encoded.
    const advice = target === 'query' ? "; an image's url must be percent-encoded" : '';
    return new ProblemError(
      'invalid_request',
      `The ${where} has ${issue.keys.join(', ').slice(0, 200)}, which means nothing here${advice}.`,
    );
  }
  return new ProblemError('invalid_request', `In the ${where}, ${name}: ${issue?.message}.`);
}
