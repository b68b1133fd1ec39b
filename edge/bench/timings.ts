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

/** What a model's inference takes. */
export interface InferenceCost {
  /** Milliseconds of one, several times. */
  readonly ms: number[];
  /** tfjs' memory of WebAssembly, with the model's weights in float32. */
  readonly wasmBytes: number;
}
