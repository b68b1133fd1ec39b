import { type JobResponse, jobResponse } from 'shared/contract/responses';
import { connectToWorker, nextPage } from './worker-client.ts';

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
  const send = connectToWorker(worker, key);
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
        path = nextPage(response);
      }
    },
  };
}
