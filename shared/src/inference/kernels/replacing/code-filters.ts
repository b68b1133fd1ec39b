/** How a depthwise filter moves along a line. */
export interface CodeFilter {
  readonly width: number;
  /** To the right, in pixels. */
  readonly step: number;
  readonly padLeft: number;
}

/** Those that `convolveCodes` has lines for: Keras' networks have these, at sides of an even number. */
export const codeFilters: readonly CodeFilter[] = [
  { width: 3, step: 1, padLeft: 1 },
  { width: 3, step: 2, padLeft: 0 },
  { width: 5, step: 1, padLeft: 2 },
  { width: 5, step: 2, padLeft: 1 },
];
