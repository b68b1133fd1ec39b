import { servedLimits } from 'shared/images/served-limits';

/** What one request may cost. */
export interface Limits {
  /** Longest `url` accepted, in characters. */
  readonly maxUrlLength: number;
  /** Redirects followed, each one checked as the first url was. */
  readonly maxRedirects: number;
  /** From the request to the last redirect's headers. */
  readonly headersTimeoutMs: number;
  /** From the headers to the last byte of the body. */
  readonly bodyTimeoutMs: number;
  /** From a request's headers to the last byte of the image that it brings. */
  readonly uploadTimeoutMs: number;
  /** How long an upload may take to get going. */
  readonly uploadGraceMs: number;
  /** What has to arrive of an upload after that, on average, in bytes a second. */
  readonly minUploadRate: number;
  /** Largest image file, counted after any content encoding is undone. */
  readonly maxBytes: number;
  /** Largest image file in a form, of which there are two copies for a while. */
  readonly maxFormBytes: number;
  /** Image files that all requests of an isolate may hold together. */
  readonly maxHeldBytes: number;
  /** Largest image, by the dimensions in its header: it bounds the time that decoding takes. */
  readonly maxPixels: number;
  /** The most memory that decoding one image may take, as computed from its header. */
  readonly maxDecodeBytes: number;
  /** Images of a batch that are fetched at once. */
  readonly batchConcurrency: number;
  /**
   * Requests to image hosts that a batch of a caller without a key may make, redirects included:
   * when they are made, the urls that are left are refused.
   */
  readonly maxBatchFetches: number;
  /** How long an answer may be served from a cache. */
  readonly responseMaxAgeS: number;
  /** Models that an isolate keeps ready. */
  readonly maxLoadedModels: number;
}

export const defaultLimits: Limits = {
  // What a presigned url with a session's token has.
  maxUrlLength: 8192,
  maxRedirects: 5,
  headersTimeoutMs: 5_000,
  bodyTimeoutMs: 10_000,
  // For a large photo over a slow telephone.
  uploadTimeoutMs: 60_000,
  uploadGraceMs: 10_000,
  // Half of what EDGE gives.
  minUploadRate: 8 * 1024,
  maxBytes: servedLimits.maxFileBytes,
  maxFormBytes: 10 * 1024 * 1024,
  maxHeldBytes: 24 * 1024 * 1024,
  maxPixels: servedLimits.maxPixels,
  maxDecodeBytes: servedLimits.maxDecodeBytes,
  // A request may have six connections open; the models and the cache need one as well.
  batchConcurrency: 4,
  // As many as a batch has urls.
  maxBatchFetches: 100,
  responseMaxAgeS: 3600,
  maxLoadedModels: 2,
};
