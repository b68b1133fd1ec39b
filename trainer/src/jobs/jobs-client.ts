import { type JobResponse, jobResponse, problem } from 'shared/contract/responses';
import { TrainerError } from '../errors.ts';

/** A deployed Worker that has jobs. */
export interface JobsClient {
  /** @param request the body of `POST /jobs` */
  start(request: object): Promise<JobResponse>;
  status(id: string): Promise<JobResponse>;
  cancel(id: string): Promise<JobResponse>;
  retry(id: string): Promise<JobResponse>;
  /** Lines of JSON, each with its line feed, a part of the job at a time. */
  results(id: string): AsyncIterable<string>;
}

/**
 * @param worker its url
 * @param key one of its API keys
 * @throws TrainerError `config_invalid` for a url that is none
 */
export function connectToJobs(worker: string, key: string): JobsClient {
  const origin = URL.parse(worker);
  if (!origin || !/^https?:$/.test(origin.protocol)) {
    throw new TrainerError(
      'config_invalid',
      `Expected the url of your Worker for --worker, such as https://graft.example.workers.dev, but got ${worker}.`,
    );
  }
  const send = async (path: string, body?: object | null): Promise<Response> => {
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
  const ask = async (path: string, body?: object | null): Promise<JobResponse> =>
    jobResponse.parse(await (await send(path, body)).json());
  const pathOf = (id: string) => `/jobs/${encodeURIComponent(id)}`;
  return {
    start: (request) => ask('/jobs', request),
    status: (id) => ask(pathOf(id)),
    cancel: (id) => ask(`${pathOf(id)}/cancel`, null),
    retry: (id) => ask(`${pathOf(id)}/retry`, null),
    async *results(id) {
      let path: string | undefined = `${pathOf(id)}/results`;
      while (path !== undefined) {
        const response: Response = await send(path);
        yield await response.text();
        path = /<([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
      }
    },
  };
}

async function refusalOf(response: Response, url: URL): Promise<TrainerError> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  const what = parsed.success ? parsed.data.detail : `it answered with status ${response.status}.`;
  return new TrainerError('config_invalid', `${url.origin} refused: ${what}`);
}
