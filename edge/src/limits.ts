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
  /** From a request's headers to the last byte of the picture that it brings. */
  readonly uploadTimeoutMs: number;
  /** Largest picture file, counted after any content encoding is undone. */
  readonly maxBytes: number;
  /** Largest picture file in a form, of which there are two copies for a while. */
  readonly maxFormBytes: number;
  /** Picture files that all requests of an isolate may hold together. */
  readonly maxHeldBytes: number;
  /** Largest picture, by the dimensions in its header: it bounds the time that decoding takes. */
  readonly maxPixels: number;
  /** The most memory that decoding one picture may take, as computed from its header. */
  readonly maxDecodeBytes: number;
  /** Pictures of a batch that are fetched at once. */
  readonly batchConcurrency: number;
  /** How long an answer may be served from a cache. */
  readonly answerMaxAgeS: number;
  /** Models that an isolate keeps ready. */
  readonly maxLoadedModels: number;
}

export const defaultLimits: Limits = {
  maxUrlLength: 2048,
  maxRedirects: 5,
  headersTimeoutMs: 5_000,
  bodyTimeoutMs: 10_000,
  // For a large photo over a slow telephone.
  uploadTimeoutMs: 60_000,
  maxBytes: servedLimits.maxFileBytes,
  maxFormBytes: 10 * 1024 * 1024,
  maxHeldBytes: 24 * 1024 * 1024,
  maxPixels: servedLimits.maxPixels,
  maxDecodeBytes: servedLimits.maxDecodeBytes,
  // A request may have six connections open; the models and the cache need one as well.
  batchConcurrency: 4,
  answerMaxAgeS: 3600,
  maxLoadedModels: 2,
};
