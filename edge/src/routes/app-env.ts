import type { Admission } from '../classify/admission.ts';
import type { Env } from '../env.ts';

/** What Hono's context carries from one handler to the next. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    record: RequestRecord;
    /** The same for all requests of a client, where that can be known. */
    client: string;
    admission: Admission;
  };
}

/** What the log and the metrics record of a request besides its method, path and status. */
export interface RequestRecord {
  model?: string;
  version?: string;
  /** Scheme, host and path of the image's url, without the query, which may hold a secret. */
  image?: string | undefined;
  cache?: string;
  /** The number of urls in a batch. */
  urls?: number;
}
