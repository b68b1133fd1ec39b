import type { PictureFormat } from './picture-header.ts';

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
  /** Largest picture file, counted after any content encoding is undone. */
  readonly maxBytes: number;
  /** Largest picture, by the dimensions in its header. */
  readonly maxPixels: Readonly<Record<PictureFormat, number>>;
}

export const defaultLimits: Limits = {
  maxUrlLength: 2048,
  maxRedirects: 5,
  headersTimeoutMs: 5_000,
  bodyTimeoutMs: 10_000,
  maxBytes: 10 * 1024 * 1024,
  // An isolate has 128 MB, of which the runtime and a model take half. A decoded pixel costs 3
  // bytes in a JPEG, twice if it must be turned; in the others 4, and as many again inside the
  // decoder.
  maxPixels: { jpeg: 12_500_000, png: 8_500_000, webp: 8_500_000 },
};
