import { problem } from 'shared/contract/responses';
import { TrainerError } from '../errors.ts';

/** Sends a request: GET without a body, POST with one, and null for an empty one. */
export type Send = (path: string, body?: object | null) => Promise<Response>;

/**
 * @param worker the url of a deployed Worker
 * @param key one of its API keys
 * @returns sends requests to it. @throws TrainerError `download_failed`, and `config_invalid` where it refuses
 * @throws TrainerError `config_invalid` for a url that is none
 */
export function connectToWorker(worker: string, key: string): Send {
  const origin = URL.parse(worker);
  if (!origin || !/^https?:$/.test(origin.protocol)) {
    throw new TrainerError(
      'config_invalid',
      `Expected the url of your Worker for --worker, such as https://graft.example.workers.dev, but got ${worker}.`,
    );
  }
  return async (path, body) => {
    const url = new URL(path, origin);
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new TrainerError(
        'download_failed',
        `Expected a Worker at ${origin}, but none answered.`,
        cause,
      );
    });
    if (!response.ok) throw await refusalOf(response, url);
    return response;
  };
}

/** The path of the next page of a response in pages. */
export function nextPage({ headers }: Response): string | undefined {
  return /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
}

async function refusalOf(response: Response, url: URL): Promise<TrainerError> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  const what = parsed.success ? parsed.data.detail : `it answered with status ${response.status}.`;
  return new TrainerError('config_invalid', `${url.origin} refused: ${what}`);
}
