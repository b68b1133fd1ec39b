import { OpenAPIHono } from '@hono/zod-openapi';
import { problem } from 'shared/wire';
import type { AppEnv } from '../env.ts';
import { ProblemError } from '../problem.ts';

/** An app whose routes refuse with a problem what their schemas do not allow. */
export function createRoutes(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw validationProblem(result.target, result.error.issues);
    },
  });
}

/** The answer of every route that fails. */
export const problemAnswer: {
  description: string;
  content: Record<string, { schema: typeof problem }>;
} = {
  description: 'A problem; its code says which.',
  content: { 'application/problem+json': { schema: problem } },
};

/** Either of them lets a request in, where the service asks for one; see {@link securitySchemes}. */
export const keyOrNothing = [{ apiKey: [] }, {}];

export const securitySchemes = {
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'Needed where the service has API_KEY_HASHES set.',
  },
} as const;

interface Issue {
  readonly path: PropertyKey[];
  readonly message: string;
}

function validationProblem(target: string, issues: readonly Issue[]): ProblemError {
  const [issue] = issues;
  if (target === 'query' && issue?.path[0] === 'url') {
    return new ProblemError(
      'invalid_url',
      'The query needs one url, as in /classify?url=https://example.com/cat.jpg.',
    );
  }
  const name = issue?.path.join('.') || target;
  const where = target === 'json' ? 'body' : target;
  return new ProblemError('invalid_request', `In the ${where}, ${name}: ${issue?.message}.`);
}
