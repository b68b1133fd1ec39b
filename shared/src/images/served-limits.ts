/** The largest images that the Worker reads; the trainer reports files beyond these limits. */
export const servedLimits = {
  /** Largest file, enough for the largest photos of phones. */
  maxFileBytes: 20 * 1024 * 1024,
  /** Largest image, by the dimensions in its header, enough for the largest phone cameras. */
  maxPixels: 50_000_000,
  /**
   * The most memory that decoding an image may take, computed from its header. An isolate has 128 MB, of
   * which the runtime and a model take half.
   */
  maxDecodeBytes: 64 * 1024 * 1024,
} as const;

/**
 * What each decoder's memory may grow to: the program itself says so, and the budget of an image
 * cannot be more.
 */
export const maxMemoryBytes = 64 * 1024 * 1024;
