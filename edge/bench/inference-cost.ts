/** What a model's inference takes. */
export interface InferenceCost {
  /** Milliseconds of one, several times. */
  readonly ms: number[];
  /** tfjs' memory of WebAssembly, with the model's weights. */
  readonly wasmBytes: number;
}
