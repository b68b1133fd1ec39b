import type {
  AnalyticsEngineDataset,
  Fetcher,
  ImagesBinding,
  R2Bucket,
  RateLimit,
  Vectorize,
} from '@cloudflare/workers-types';

/** The Worker's bindings and variables. All except `ASSETS` are optional. */
export interface Env {
  /** The files of `public/`, the model directories among them. */
  readonly ASSETS: Fetcher;
  /**
   * A bucket with `index.json` and the model directories, which replaces `public/models`. Its directories
   * are named `id@version`, so that the content of a name never changes.
   */
  readonly MODELS?: R2Bucket;
  /**
   * Jobs, which classify whole buckets and lists of urls. The three belong together, and without them
   * there are none. The bucket keeps the jobs, their results, and the models that they keep. The images
   * of a job are in buckets of any name with the bindings `BUCKET_<NAME>`.
   */
  readonly JOBS?: R2Bucket;
  readonly JOBS_QUEUE?: Queue<ChunkMessage>;
  readonly JOBS_WORKFLOW?: Workflow<JobParams>;
  /**
   * A bucket that keeps some doubtful images, so that they can be labelled and trained on; see
   * docs/feedback.md. Without it, none is kept.
   */
  readonly FEEDBACK?: R2Bucket;
  /**
   * A bucket with indexes of images, `<name>.index`, among which `/similar` looks; see docs/search.md. Only the entry
   * `with-search` has it.
   */
  readonly SEARCH?: R2Bucket;
  /** Cloudflare Vectorize, which keeps the vectors of an index that has none. */
  readonly VECTORIZE?: Pick<Vectorize, 'query'>;
  /** Receives one data point per request; routes/record-request.ts documents its columns. */
  readonly METRICS?: AnalyticsEngineDataset;
  /**
   * Cloudflare Images, which reads HEIC and images that are too large for an isolate's memory. It is
   * billed per image and used for these images only.
   */
  readonly IMAGES?: ImagesBinding;
  /**
   * Limits images and redirects per client, which is the API key or else the client's address. Without it
   * there is no such limit.
   */
  readonly RATE_LIMITER?: RateLimit;
  /**
   * Limits requests per image host, so that nobody can flood a server through this one. Callers with a
   * key or a signed url and the hosts in ALLOWED_HOSTS are exempt.
   */
  readonly HOST_RATE_LIMITER?: RateLimit;
  /**
   * The hosts from which images may be fetched, redirects included: `img.example.com, *.example.org`.
   * Without it, every public host is allowed.
   */
  readonly ALLOWED_HOSTS?: string;
  /**
   * SHA-256 hashes, in hexadecimal, of the accepted API keys, separated by commas. Keys must be long and
   * random, since a hash does not protect a word that can be guessed.
   */
  readonly API_KEY_HASHES?: string;
  /** The secret that signs the urls of `GET /classify`. */
  readonly URL_SIGNING_KEY?: string;
  /**
   * A url or e-mail address at which owners of image hosts reach the operator of this service; it is
   * sent in `User-Agent`. By default it is the url of the service itself.
   */
  readonly CONTACT?: string;
  /** Origins of the web pages that may read responses, `https://example.com, …`, or `*`. */
  readonly CORS_ORIGINS?: string;
  /**
   * `1` lets `/classify` fetch from this machine's own addresses, on any port. It is for development
   * (`graft dev --var ALLOW_LOOPBACK:1`) and never for a deployed configuration.
   */
  readonly ALLOW_LOOPBACK?: string;
}

/** A part of a job: its images, of which a consumer of the queue classifies a hundred at a time. */
export interface ChunkMessage {
  readonly job: string;
  readonly chunk: number;
  /** 0 for the first run of the job, and one more for each retry of what failed. */
  readonly run: number;
}

/**
 * What R2 sends into a queue when an object comes, is replaced or goes.
 *
 * @see https://developers.cloudflare.com/r2/buckets/event-notifications/#message-format
 */
export interface ObjectEvent {
  /** Such as `PutObject`. */
  readonly action: string;
  readonly bucket: string;
  readonly object: { readonly key: string; readonly size?: number; readonly eTag?: string };
}

/** What a Workflow instance is started with. */
export interface JobParams {
  readonly job: string;
  /** Counts the instances of one run, each of which goes on for a bounded number of steps. */
  readonly part: number;
}
