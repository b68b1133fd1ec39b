/** Time and memory of a model's inference. */
export interface InferenceCost {
  /** Milliseconds of one inference, measured several times. */
  readonly ms: number[];
  /** The WebAssembly memory of tfjs, including the model's weights. */
  readonly wasmBytes: number;
}
