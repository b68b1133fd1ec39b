import {
  inOrder,
  type KernelArguments,
  type KernelName,
  kernelArguments,
} from './kernel-arguments.ts';

/** What a kernel returns, if anything; a `bool` is 0 or 1. */
export type KernelResult<K extends KernelName> = K extends
  | 'convolveCodes'
  | 'convolveDepthwise'
  | 'convolveExpanded'
  | 'hasDotProduct'
  | 'int8PanelBytes'
  | 'panelBytes'
  | 'quantizePatches'
  | 'tapBytes'
  ? number
  : undefined;

/** What `cnn-kernels.wasm` exports, with arguments by name. */
export type CnnKernels = {
  readonly [K in KernelName]: (values: KernelArguments<K>) => KernelResult<K>;
};

/** Ways to multiply by a matrix: the kernels' names, in the order in which `convolve` numbers them. */
export const products = ['multiply', 'multiplyInt8Weights', 'multiplyInt8'] as const;
export type Product = (typeof products)[number];

/** The largest inner dimension that WORK_BYTES has room for. */
export const MAX_INT8_DEPTH = { multiplyInt8Weights: 3072, multiplyInt8: 16_384 };
/** That a product works in. */
export const WORK_BYTES = 97 * 1024;

/** @returns bytes of a pixel in the `rows` of `convolveCodes` */
export function codeRowBytes({ depth, parts }: { depth: number; parts: number }): number {
  return Math.ceil(depth / 16) * 16 * parts;
}

/** Smallest and largest value that an activation lets through. */
export interface Clamp {
  readonly low: number;
  readonly high: number;
}

/** Of the activations that the kernels fuse. */
export const clamps: Readonly<Record<string, Clamp>> = {
  linear: { low: -Infinity, high: Infinity },
  relu: { low: 0, high: Infinity },
  relu6: { low: 0, high: 6 },
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
 * Makes an instance of `cnn-kernels.wasm`, and returns its exports. Node and Workers come by the compiled
 * module in different ways.
 */
export type InstantiateKernels = (imports: { env: { memory: object } }) => object;

/**
 * @param memory a WebAssembly memory
 * @param instantiate of `cnn-kernels.wasm`, which needs relaxed SIMD
 * @returns kernels that take their arguments by name
 */
export function kernelsIn(memory: object, instantiate: InstantiateKernels): CnnKernels {
  const exports = instantiate({ env: { memory } }) as Record<KernelName, Export>;
  const kernels = (Object.keys(kernelArguments) as KernelName[]).map((name) => {
    const call = exports[name];
    return [name, (values: KernelArguments<typeof name>) => call(...inOrder(name, values))];
  });
  return Object.fromEntries(kernels);
}

type Export = (...values: number[]) => number | undefined;

/** The kernels in tfjs-wasm's own memory, so that nothing has to be copied. */
export function kernelsInHeap(heap: WasmHeap, instantiate: InstantiateKernels): CnnKernels {
  const memory = heap.wasmMemory ?? heap.asm?.memory;
  if (!memory) throw new Error('tfjs-wasm does not show its memory; its version should be 4.22.');
  return kernelsIn(memory, instantiate);
}
