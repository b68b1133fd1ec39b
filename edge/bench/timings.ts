/** Milliseconds a request, one figure a batch. */
export interface Timings {
  /** The network alone, from a preprocessed picture to probabilities. */
  readonly bareMs: number[];
  /** Fetching the file alone. */
  readonly fetchMs: number[];
  /** `/classify`, one request after the other. */
  readonly endToEndMs: number[];
  /** `/classify`, all of a batch at once: what remains when no request waits for its picture. */
  readonly busyMs: number[];
  /** By stage, as the Server-Timing header has them. */
  readonly stagesMs: Record<string, number[]>;
}
