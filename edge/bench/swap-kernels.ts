import * as tf from '@tensorflow/tfjs-core';

/** Kernels that ours stand in for, and three that tfjs-wasm does not have. */
const names = [
  'Add',
  'Dequantize',
  'ExpandedDepthwise',
  'FusedConv2D',
  'FusedDepthwiseConv2D',
  'Identity',
  'Mean',
  'Multiply',
  'Sigmoid',
  'Swish',
  '_FusedMatMul',
];

/** By name, as they are or were registered. */
export type Kernels = ReadonlyMap<string, tf.KernelConfig>;

/** Those that are registered now: stock ones before the backend starts, ours behind that. */
export function registeredKernels(): Kernels {
  return new Map(names.map((name) => [name, tf.getKernel(name, 'wasm')]));
}

/** Weights that ours have loaded are not for stock ones: see `makePacked`. */
export function useKernels(kernels: Kernels): void {
  for (const name of names) {
    if (tf.getKernel(name, 'wasm')) tf.unregisterKernel(name, 'wasm');
    const kernel = kernels.get(name);
    if (kernel) tf.registerKernel(kernel);
  }
}
