import type { Caller } from './access/identify-caller.ts';
import type { RequestRecord } from './access/record-request.ts';
import type { Service } from './classify/classify-url.ts';

/** The Worker's bindings and variables. All but `ASSETS` may be left out. */
export interface Env {
  /** The files of `public/`, the model directories among them. */
  readonly ASSETS: Fetcher;
  /**
   * A bucket to read `index.json` and the model directories from, in place of `public/models`. A
   * directory there is called `id@version`, so that nothing changes under its name.
   */
  readonly MODELS?: R2Bucket;
  /** Takes one data point a request; see record-request.ts for its columns. */
  readonly METRICS?: AnalyticsEngineDataset;
  /**
   * Cloudflare Images, which reads HEIC and images that are too large for an isolate's memory. It
   * has a price per image, and is not asked about any other.
   */
  readonly IMAGES?: ImagesBinding;
  /**
   * Asked once an image and once a redirect, by API key or else by the client's address; without it
   * there is no limit.
   */
  readonly RATE_LIMITER?: RateLimit;
  /**
   * Asked once a request to an image's host, by that host's name, for callers without a key and hosts
   * that ALLOWED_HOSTS does not name: nobody's server is to be flooded from here.
   */
  readonly HOST_RATE_LIMITER?: RateLimit;
  /**
   * Hosts that images may come from, redirects included: `img.example.com, *.example.org`.
   * Without it, any public host.
   */
  readonly ALLOWED_HOSTS?: string;
  /**
   * SHA-256 hashes, in hexadecimal, of the API keys that are let in: a list with commas. Make keys
   * long and random; a hash protects no word that can be guessed.
   */
  readonly API_KEY_HASHES?: string;
  /** Secret with which `GET /classify` urls are signed. */
  readonly URL_SIGNING_KEY?: string;
  /**
   * Url or e-mail address at which the hosts of images reach the one who runs this service; it
   * stands in `User-Agent`. Without it, the url of the service itself.
   */
  readonly CONTACT?: string;
  /** Origins of the web pages that may read answers, `https://example.com, …`, or `*`. */
  readonly CORS_ORIGINS?: string;
  /**
   * `1` lets `/classify` fetch from this machine's own addresses, on any port. For development
   * (`pnpm --filter edge dev --var ALLOW_LOOPBACK:1`), never in a deployed configuration.
   */
  readonly ALLOW_LOOPBACK?: string;
}

/** What Hono's context carries. */
export interface AppEnv {
  Bindings: Env;
  Variables: { requestId: string; caller: Caller; record: RequestRecord; service: Service };
}
