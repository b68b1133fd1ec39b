/** What the Worker reads at most; the trainer says which files are beyond that. */
export const servedLimits = {
  /** Largest file; what a telephone's largest photos have. */
  maxFileBytes: 20 * 1024 * 1024,
  /** Largest image, by the dimensions in its header; what the largest telephones take. */
  maxPixels: 50_000_000,
  /**
   * The most memory that decoding an image may take, as computed from its header: an isolate has 128 MB,
   * of which the runtime and a model take half.
   */
  maxDecodeBytes: 64 * 1024 * 1024,
} as const;
