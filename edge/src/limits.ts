import { servedLimits } from 'shared/images/served-limits';

/** The cost that one request may cause. */
export interface Limits {
  /** Longest `url` accepted, in characters. */
  readonly maxUrlLength: number;
  /** Redirects followed; each is checked like the first url. */
  readonly maxRedirects: number;
  /** From the request to the headers after the last redirect. */
  readonly headersTimeoutMs: number;
  /** From the headers to the last byte of the body. */
  readonly bodyTimeoutMs: number;
  /** From the headers of a request to the last byte of its body. */
  readonly uploadTimeoutMs: number;
  /** How long an upload may take before its rate counts. */
  readonly uploadGraceMs: number;
  /** The slowest average rate of an upload after that, in bytes per second. */
  readonly minUploadRate: number;
  /** Largest image file, counted after any content encoding is undone. */
  readonly maxBytes: number;
  /** Largest image file in a form, which is in memory twice for a while. */
  readonly maxFormBytes: number;
  /** Bytes of image files that all requests of an isolate may hold together. */
  readonly maxHeldBytes: number;
  /** Largest image, by the dimensions in its header. It bounds the decoding time. */
  readonly maxPixels: number;
  /** The most memory that decoding one image may take, computed from its header. */
  readonly maxDecodeBytes: number;
  /** Images of a batch that are fetched concurrently. */
  readonly batchConcurrency: number;
  /**
   * Requests to image hosts, redirects included, that a batch may make for a caller without a key. The
   * urls that remain after them are refused.
   */
  readonly maxBatchFetches: number;
  /** How long a response may be served from a cache. */
  readonly responseMaxAgeS: number;
  /** Models that an isolate keeps loaded. */
  readonly maxLoadedModels: number;
}

export const defaultLimits: Limits = {
  // Enough for a presigned url with a session token.
  maxUrlLength: 8192,
  maxRedirects: 5,
  headersTimeoutMs: 5_000,
  bodyTimeoutMs: 10_000,
  // Enough for a large photo over a slow mobile network.
  uploadTimeoutMs: 60_000,
  uploadGraceMs: 10_000,
  // Half the rate of EDGE.
  minUploadRate: 8 * 1024,
  maxBytes: servedLimits.maxFileBytes,
  maxFormBytes: 10 * 1024 * 1024,
  maxHeldBytes: 24 * 1024 * 1024,
  maxPixels: servedLimits.maxPixels,
  maxDecodeBytes: servedLimits.maxDecodeBytes,
  // A request may have six open connections, and the models and the cache need one each.
  batchConcurrency: 4,
  // One for each url of the largest batch.
  maxBatchFetches: 100,
  responseMaxAgeS: 3600,
  maxLoadedModels: 2,
};
