import type {
  AnalyticsEngineDataset,
  Fetcher,
  ImagesBinding,
  R2Bucket,
  RateLimit,
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
