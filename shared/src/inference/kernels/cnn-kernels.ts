/** What an instance of `cnn-kernels.wasm` exports; `kernels/cnn/` explains the parameters. */
export interface CnnKernels {
  add(a: number, b: number, count: number, out: number): void;
  panelBytes(k: number, n: number): number;
  packPanels(from: number, k: number, n: number, to: number): void;
  multiply(
    a: number,
    m: number,
    k: number,
    panels: number,
    n: number,
    bias: number,
    low: number,
    high: number,
    out: number,
    work: number,
  ): void;
  convolve(
    x: number,
    batch: number,
    height: number,
    width: number,
    channels: number,
    filterHeight: number,
    filterWidth: number,
    strideY: number,
    strideX: number,
    padTop: number,
    padLeft: number,
    outHeight: number,
    outWidth: number,
    panels: number,
    n: number,
    bias: number,
    low: number,
    high: number,
    out: number,
    patches: number,
    patchCount: number,
    work: number,
    product: number,
  ): void;
  convolveDepthwise(
    x: number,
    batch: number,
    height: number,
    width: number,
    channels: number,
    filter: number,
    filterHeight: number,
    filterWidth: number,
    strideY: number,
    strideX: number,
    padTop: number,
    padLeft: number,
    outHeight: number,
    outWidth: number,
    bias: number,
    low: number,
    high: number,
    out: number,
    work: number,
    workBytes: number,
  ): boolean;
  convolveExpanded(
    x: number,
    batch: number,
    height: number,
    width: number,
    inChannels: number,
    panels: number,
    isInt8: boolean,
    expansionBias: number,
    expansionLow: number,
    expansionHigh: number,
    channels: number,
    filter: number,
    filterHeight: number,
    filterWidth: number,
    strideY: number,
    strideX: number,
    padTop: number,
    padLeft: number,
    outHeight: number,
    outWidth: number,
    bias: number,
    low: number,
    high: number,
    out: number,
    work: number,
    workBytes: number,
  ): boolean;
  dequantize(
    codes: number,
    count: number,
    offset: number,
    scales: number,
    channels: number,
    out: number,
  ): void;
  dequantizePanels(
    codes: number,
    k: number,
    n: number,
    offset: number,
    scales: number,
    channels: number,
    out: number,
  ): void;
  int8PanelBytes(k: number, n: number): number;
  packInt8Panels(
    codes: number,
    k: number,
    n: number,
    scales: number,
    channels: number,
    to: number,
  ): void;
  multiplyInt8Weights: CnnKernels['multiply'];
  multiplyInt8: CnnKernels['multiply'];
  hasDotProduct(): boolean;
  meanOfPixels(x: number, batch: number, pixels: number, channels: number, out: number): void;
  multiplyChannels(
    x: number,
    factors: number,
    batch: number,
    pixels: number,
    channels: number,
    out: number,
  ): void;
  sigmoid(x: number, count: number, out: number): void;
  swish(x: number, count: number, out: number): void;
}

/** Ways to multiply by a matrix: the kernels' names, in the order in which `convolve` numbers them. */
export const products = ['multiply', 'multiplyInt8Weights', 'multiplyInt8'] as const;
export type Product = (typeof products)[number];

/** The largest inner dimension that WORK_BYTES has room for. */
export const MAX_INT8_DEPTH = { multiplyInt8Weights: 3072, multiplyInt8: 16_384 };
/** That a product works in. */
export const WORK_BYTES = 97 * 1024;

/** Smallest and largest value that an activation lets through, of those that the kernels fuse. */
export const clamps: Readonly<Record<string, readonly [low: number, high: number]>> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
};

/** What tfjs-wasm's module has beyond its types. */
export interface WasmHeap {
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** Another one after the memory has grown. */
  readonly HEAPU8: Uint8Array;
  /** With threads. */
  readonly wasmMemory?: object;
  /** Without. */
  readonly asm?: { readonly memory: object };
}

/**
 * Makes an instance of `cnn-kernels.wasm`. Node and Workers come by the compiled module in
 * different ways.
 */
export type InstantiateKernels = (imports: { env: { memory: object } }) => object;

/** The kernels in tfjs-wasm's own memory, so that nothing has to be copied. */
export function instantiateInHeap(heap: WasmHeap, instantiate: InstantiateKernels): CnnKernels {
  const memory = heap.wasmMemory ?? heap.asm?.memory;
  if (!memory) throw new Error('tfjs-wasm does not show its memory; its version should be 4.22.');
  return instantiate({ env: { memory } }) as CnnKernels;
}
